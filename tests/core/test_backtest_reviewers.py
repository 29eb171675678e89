"""Simulated reviewers: who claims what and when, and what is counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.backtest.reviewers import SimulatedDesk, arrivals, hastened
from streamsel.backtest.trace import Absence, Burst, ReviewerPlan
from streamsel.selection.gate import EXPLORE, RULE, UNCERTAIN


def plan(reviewers: int = 1, *absences: Absence, expire_seconds: float = 900.0) -> ReviewerPlan:
    return ReviewerPlan(
        reviewers, review_seconds=10.0, target_backlog=10, expire_seconds=expire_seconds, absences=absences
    )


def test_the_most_useful_of_what_was_offered_together_is_answered_first() -> None:
    """One reviewer takes them by utility, not in the order of the stream."""
    desk = SimulatedDesk(plan(), seed=1)
    for row, utility in enumerate((0.2, 0.9, 0.5)):
        desk.offer(0.0, row, utility, UNCERTAIN)
    assert desk.answered(1_000.0) == [1, 2, 0]
    assert desk.answered(2_000.0) == []


@pytest.mark.parametrize("lane", [EXPLORE, RULE])
def test_what_is_not_asked_for_its_utility_goes_before_everything_offered_with_it(lane: int) -> None:
    """Or the random sample would no longer be random, and rules would wait for the model's opinion."""
    desk = SimulatedDesk(plan(), seed=1)
    desk.offer(0.0, 0, 0.99, UNCERTAIN)
    desk.offer(0.0, 1, 0.0, lane)
    assert desk.answered(1_000.0) == [1, 0]


def test_a_query_is_not_answered_before_its_review_is_over() -> None:
    """What is in hand counts to the backlog."""
    desk = SimulatedDesk(plan(), seed=1)
    desk.offer(5.0, 0, 1.0, UNCERTAIN)
    assert desk.answered(5.0) == []
    assert desk.facts(5.0, 20.0).backlog == 1
    assert desk.answered(1_000.0) == [0]
    assert desk.facts(1_000.0, 20.0).backlog == 0


def test_a_query_nobody_claims_expires() -> None:
    """It is never answered, and no longer in the backlog."""
    desk = SimulatedDesk(plan(1, Absence(0.0, 200.0), expire_seconds=60.0), seed=1)
    desk.offer(0.0, 7, 1.0, UNCERTAIN)
    assert desk.facts(59.0, 20.0).oldest_seconds == 59.0
    assert desk.facts(61.0, 20.0).backlog == 0
    assert desk.answered(1_000.0) == []
    assert desk.course(1_000.0).expired == 1


def test_those_who_are_away_claim_nothing_and_are_missed_after_a_window() -> None:
    """Work waits until they are back, and goes on at once then."""
    desk = SimulatedDesk(plan(2, Absence(100.0, 300.0)), seed=1)
    assert desk.facts(100.0, 20.0).live_reviewers == 2
    desk.offer(150.0, 0, 1.0, UNCERTAIN)
    assert desk.facts(170.0, 20.0).live_reviewers == 0
    assert desk.answered(300.0) == []
    assert desk.facts(300.0, 20.0).live_reviewers == 2
    (age,) = desk.course(1_000.0).ages
    assert 150.0 < age < 300.0


def test_only_as_many_as_said_are_away() -> None:
    """The others go on."""
    desk = SimulatedDesk(plan(3, Absence(0.0, 1_000.0, reviewers=2)), seed=1)
    assert desk.facts(500.0, 20.0).live_reviewers == 1
    assert desk.course(1_000.0).present_seconds == 1_000.0


def test_absences_that_overlap_count_once() -> None:
    """Nobody can be away twice."""
    desk = SimulatedDesk(plan(1, Absence(0.0, 60.0), Absence(30.0, 100.0)), seed=1)
    assert desk.course(1_000.0).present_seconds == 900.0


def test_reviewers_with_enough_to_do_work_at_their_pace() -> None:
    """Five at ten seconds a review complete one in two seconds, and are busy all the time."""
    desk = SimulatedDesk(plan(5, expire_seconds=1e9), seed=1)
    for row in range(2_000):
        desk.offer(0.0, row, 0.5, UNCERTAIN)
    answered = len(desk.answered(2_000.0))
    facts, course = desk.facts(2_000.0, 20.0), desk.course(2_000.0)
    assert answered == pytest.approx(1_000, rel=0.1)
    assert facts.completions_per_second == pytest.approx(0.5, rel=0.4)
    assert facts.mean_review_seconds == pytest.approx(10.0, rel=0.4)
    assert course.review_seconds == pytest.approx(course.present_seconds)


def test_finishing_a_review_before_going_is_presence() -> None:
    """Nobody is busier than always."""
    desk = SimulatedDesk(plan(1, Absence(1.0, 500.0)), seed=1)
    desk.offer(0.0, 0, 1.0, UNCERTAIN)
    desk.answered(400.0)
    course = desk.course(500.0)
    assert course.review_seconds == course.present_seconds > 1.0


def test_a_run_repeats_itself() -> None:
    """All chance comes from the seed."""
    courses = []
    for seed in (1, 1, 2):
        desk = SimulatedDesk(plan(2), seed)
        for row in range(50):
            desk.offer(float(row), row, row / 50, UNCERTAIN)
        courses.append(desk.course(10_000.0).answered_at.tolist())
    assert courses[0] == courses[1] != courses[2]


@given(
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 1), st.booleans()), max_size=60),
    st.integers(1, 4),
    st.floats(1.0, 200.0),
    st.lists(st.tuples(st.floats(0, 500), st.floats(0, 200)), max_size=3),
)
def test_every_query_is_answered_or_expires(
    offers: list[tuple[float, float, bool]],
    reviewers: int,
    expire_seconds: float,
    away: list[tuple[float, float]],
) -> None:
    """Once; and the backlog's course ends at nothing, was never below it, and never went back in time."""
    absent = [Absence(start, start + length) for start, length in away]
    desk = SimulatedDesk(plan(reviewers, *absent, expire_seconds=expire_seconds), seed=3)
    now, answered = 0.0, []
    for row, (wait, utility, explore) in enumerate(offers):
        now += wait
        desk.offer(now, row, utility, EXPLORE if explore else UNCERTAIN)
        answered += desk.answered(now)
    answered += desk.answered(1e6)
    course = desk.course(1e6)
    assert len(set(answered)) == len(answered) == len(course.ages) == len(offers) - course.expired
    assert course.backlog[-1] == 0
    assert course.backlog.min() >= 0
    assert (np.diff(course.backlog_at) >= 0).all()
    assert (course.ages >= 0).all()


def test_a_stream_without_times_comes_at_the_planned_pace() -> None:
    """Evenly."""
    assert arrivals(3, 20.0, None).tolist() == [0.0, 0.05, 0.1]


def test_a_stream_with_times_keeps_them() -> None:
    """Counted from its first event."""
    assert arrivals(3, 20.0, np.array([100.0, 101.0, 107.0])).tolist() == [0.0, 1.0, 7.0]


def test_a_burst_brings_events_faster_while_it_lasts() -> None:
    """Ten times as many from second 10 to second 20, and the old pace after."""
    hurried = hastened(np.arange(0.0, 200.0), [Burst(10.0, 20.0, 10.0)])
    assert np.count_nonzero((hurried >= 10.0) & (hurried < 20.0)) == 100
    assert hurried[:10].tolist() == list(range(10))
    assert np.diff(hurried[-50:]) == pytest.approx(1.0)


@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0.1, 50), st.floats(0.1, 20)), max_size=4),
    st.lists(st.floats(0, 300), min_size=1, max_size=30),
)
def test_bursts_never_change_the_order(bursts: list[tuple[float, float, float]], paced: list[float]) -> None:
    """However they overlap; factors below 1 are lulls."""
    spans = [Burst(start, start + length, factor) for start, length, factor in bursts]
    hurried = hastened(np.sort(paced), spans)
    assert np.isfinite(hurried).all()
    assert (np.diff(hurried) >= -1e-9).all()
