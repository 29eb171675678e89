"""The law, the gate and the pacing together, against reviewers who take their time."""

from __future__ import annotations

import numpy as np
import pytest

from streamsel.selection import CapacityPolicy
from tests.core.capacity_figures import capacity_figures
from tests.core.closed_loop import Course, Scene, crossings

TARGET = 20
POLICY = CapacityPolicy(budget=0.05, explore=0.2, target_backlog=TARGET, expire_seconds=900.0)
SETTLING_SECONDS = 300.0
REVIEWS_PER_SECOND = 5 / 25.0


def assert_settled(course: Course, start: float, stop: float) -> None:
    """The backlog stands near its target, steadily: small spread, hardly a swing about its mean."""
    backlog = course.backlog[course.during(start, stop)]
    assert TARGET * 0.8 < backlog.mean() < TARGET * 1.25
    assert backlog.std() < 0.15 * TARGET
    assert crossings(backlog, float(backlog.mean()), 0.25 * TARGET) <= (stop - start) / 300.0


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_steady_stream(seed: int) -> None:
    """20 events a second, 5 reviewers, 25 s a review: the target is held and nobody waits for work."""
    course = await Scene(POLICY, 2_400.0, seed=seed).play()
    assert np.percentile(course.backlog, 95) <= 1.5 * TARGET
    assert_settled(course, SETTLING_SECONDS, 2_400.0)
    assert course.completed > 0.9 * REVIEWS_PER_SECOND * 2_400.0
    assert course.expired == 0


async def test_ten_times_the_events_for_ten_minutes() -> None:
    """A flood with the reviewers' pace unchanged leaves the backlog where it was, and so does its end."""
    scene = Scene(POLICY, 1_800.0, events_per_second=lambda t: 200.0 if 600.0 <= t < 1_200.0 else 20.0)
    course = await scene.play()
    assert course.backlog.max() <= 2 * TARGET
    assert_settled(course, SETTLING_SECONDS, 1_800.0)


async def test_reviewers_away_for_two_minutes() -> None:
    """The backlog rises to no more than the cap while nobody answers, and comes back without swinging."""
    course = await Scene(POLICY, 2_400.0, reviewers_at=lambda t: 0 if 900.0 <= t < 1_020.0 else 5).play()
    assert course.backlog.max() <= 2 * TARGET
    assert_settled(course, 1_020.0 + SETTLING_SECONDS, 2_400.0)


async def test_no_reviewers_at_all() -> None:
    """The backlog fills to its target and stays; what expires is replaced and no more."""
    course = await Scene(POLICY, 3_000.0, reviewers_at=lambda _: 0).play()
    assert course.backlog.max() <= TARGET + 2
    assert course.expired > 0
    replaced = course.uncertain.sum() + course.explored.sum()
    assert replaced <= 4 * (TARGET + 2)
    assert course.oldest.max() <= 900.0


async def test_reviewers_coming_back() -> None:
    """After half an hour alone the desk takes up its pace again, over a backlog that stays in bounds."""
    course = await Scene(POLICY, 3_600.0, reviewers_at=lambda t: 5 if t >= 1_800.0 else 0).play()
    assert course.backlog.max() <= 2 * TARGET
    assert_settled(course, 1_800.0 + SETTLING_SECONDS, 3_600.0)
    assert course.completed > 0.85 * REVIEWS_PER_SECOND * 1_800.0


async def test_reviewers_leaving_for_good() -> None:
    """What the last ones left stays within the cap and expires down to the target."""
    course = await Scene(POLICY, 3_000.0, reviewers_at=lambda t: 5 if t < 900.0 else 0).play()
    assert course.backlog.max() <= 2 * TARGET
    assert course.backlog[course.during(2_400.0, 3_000.0)].max() <= TARGET + 2


async def test_several_selectors_ask_together_what_one_would() -> None:
    """Four selectors hold the same backlog and give the reviewers the same work as one."""
    together = await Scene(POLICY, 1_800.0, selectors=4).play()
    assert_settled(together, SETTLING_SECONDS, 1_800.0)
    assert together.backlog.max() <= 2 * TARGET
    assert together.completed > 0.9 * REVIEWS_PER_SECOND * 1_800.0


async def test_above_the_cap_only_the_reserve_enters() -> None:
    """With three times the target waiting only a fifth of what is completed enters, drawn at random."""
    course = await Scene(POLICY, 600.0, waiting_already=3 * TARGET).play()
    above = course.backlog >= 2 * TARGET
    assert above[0]
    assert course.uncertain[above].sum() == 0
    span = above.sum() * 0.25
    reserved = 0.2 * REVIEWS_PER_SECOND * span
    assert 0 < course.explored[above].sum() < reserved + 4.0 * np.sqrt(reserved)
    assert not above[course.seconds > 400.0].any()


@pytest.mark.parametrize("quiet_seconds", [0.0, 100.0])
@pytest.mark.parametrize("all_alike", [False, True])
async def test_thousands_of_events_before_the_next_report(quiet_seconds: float, all_alike: bool) -> None:
    """A stream that is caught up with, or wakes up, brings no more queries than there is room for."""
    scene = Scene(
        POLICY,
        quiet_seconds + 30.0,
        events_per_second=lambda t: 20_000.0 if t >= quiet_seconds else 0.0,
        utilities=(lambda _, count: np.ones(count)) if all_alike else (lambda rng, count: rng.random(count)),
    )
    course = await scene.play()
    assert np.percentile(course.backlog, 95) <= 2 * TARGET + 5


@pytest.mark.parametrize("expire_seconds", [120.0, 900.0])
@pytest.mark.parametrize("seed", [1, 2])
async def test_reviewers_time_is_well_used(seed: int, expire_seconds: float) -> None:
    """Through a burst and an absence: a short queue, fresh queries, nobody idle, and nearly the value of one
    who knows what is to come."""
    figures = await capacity_figures(CapacityPolicy(0.1, 0.2, 10, expire_seconds), seed)
    assert figures.backlog_p95 <= 2 * figures.target_backlog
    assert figures.age_p95_seconds <= 90.0
    assert figures.busy >= 0.99
    assert figures.value >= 0.95


@pytest.mark.parametrize("explore", [0.0, 0.5, 1.0])
async def test_any_share_of_exploration(explore: float) -> None:
    """All queries by utility, half of them, or all at random: the backlog is held alike."""
    policy = CapacityPolicy(0.05, explore, TARGET, 900.0)
    course = await Scene(policy, 2_400.0).play()
    assert course.backlog.max() <= 2 * TARGET
    assert TARGET * 0.8 < course.backlog[course.during(300.0, 2_400.0)].mean() < TARGET * 1.4


async def test_many_quick_reviewers() -> None:
    """50 reviewers, 500 events a second: a target of two for each keeps them all at work."""
    policy = CapacityPolicy(0.05, 0.2, 100, 900.0)
    scene = Scene(policy, 1_200.0, events_per_second=lambda _: 500.0, reviewers_at=lambda _: 50)
    course = await scene.play()
    assert np.percentile(course.backlog, 95) <= 150
    assert course.completed > 0.9 * 10 * REVIEWS_PER_SECOND * 1_200.0


async def test_a_slow_stream() -> None:
    """With fewer events than the reviewers could answer, the budget is spent and the queue stays short."""
    policy = CapacityPolicy(1.0, 0.2, TARGET, 900.0)
    course = await Scene(policy, 1_800.0, events_per_second=lambda _: 0.1).play()
    assert course.backlog.max() <= TARGET
    assert course.uncertain.sum() + course.explored.sum() > 0.9 * course.events.sum()
