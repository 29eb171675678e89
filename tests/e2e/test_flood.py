"""A flood of events meets reviewers who keep their pace. Time is compressed: half a second for a review."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import numpy as np
import pytest

from loadtest.outside.service_process import Services, auth
from loadtest.outside.transactions import LABELS
from loadtest.outside.waiting import until
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.demo.reviewers import Habits
from tests.e2e.flooding import Sample, Scene, now, scene

TARGET = 20
EXPLORE = 0.2
REVIEWERS = [f"reviewer-{number}" for number in range(5)]
HABITS = Habits(mean_seconds=0.5, break_chance=0.0)
REVIEWS_PER_SECOND = len(REVIEWERS) / HABITS.mean_seconds
BASE, FLOOD = 100.0, 1_000.0
"""Events a second; both are far more than the reviewers could answer."""
CAP = 2 * TARGET + EXPLORE * (2 * TARGET + REVIEWS_PER_SECOND)
"""The most that may ever wait: twice the target, and the exploration share. At the cap that has a reserve, so
much of a second's answers; and as it is drawn event by event, more of it may come than was reckoned with,
hardly twice as much."""
SETTLING_SECONDS = 6.0
"""The slower of the averages behind the event rate takes so long, which no compression shortens."""
RECOVERY_SECONDS = 30.0


async def start(services: Services, url: str, prefix: str, secrets: dict[str, str]) -> str:
    """A service that asks about at most half of the events."""
    configuration = services.configured(
        {
            "redis": {"url": url, "prefix": prefix},
            "labels": LABELS,
            "select": {"budget": 0.5, "explore": EXPLORE},
            "capacity": {"target_backlog": TARGET, "window_seconds": 5.0, "fill_seconds": 2.0},
            "auth": auth(secrets, root="admin", **dict.fromkeys(REVIEWERS, "reviewer")),
        }
    )
    return await services.start(configuration).ready()


@pytest.mark.slow
async def test_ten_times_the_events_leave_the_backlog_within_twice_its_target(
    services: Services, valkey: EmbeddedValkey, prefix: str
) -> None:
    """A flood with the reviewers' pace unchanged does not drown them, nor its end leave them idle."""
    secrets: dict[str, str] = {}
    async with scene(await start(services, valkey.url, prefix, secrets), secrets) as desk:
        desk.events_per_second = BASE
        for number, name in enumerate(REVIEWERS):
            desk.comes(secrets[name], HABITS, seed=number)
        await desk.during(SETTLING_SECONDS)
        before = await desk.during(6.0)
        desk.events_per_second = FLOOD
        flood = await desk.during(10.0)
        desk.events_per_second = BASE
        await until(lambda: settled(desk), what="the backlog near its target again", seconds=RECOVERY_SECONDS)
    # Moments apart, twice the target is kept; the cap always is.
    assert np.percentile([sample.backlog for sample in desk.samples], 95) <= 2 * TARGET
    assert most(desk.samples) <= CAP
    assert idle(before) < 0.1
    assert idle(flood) < 0.05


@pytest.mark.slow
async def test_without_reviewers_the_backlog_settles_and_their_return_raises_the_query_fraction(
    services: Services, valkey: EmbeddedValkey, prefix: str
) -> None:
    """The queue is filled to its target for whoever comes next, and no further; then they come."""
    secrets: dict[str, str] = {}
    async with scene(await start(services, valkey.url, prefix, secrets), secrets) as desk:
        desk.events_per_second = FLOOD
        await until(
            lambda: desk.samples and desk.samples[-1].backlog >= TARGET - 2, what="the queue is filled"
        )
        await desk.during(SETTLING_SECONDS)
        alone = await desk.during(3.0)
        assert most(desk.samples) <= CAP
        assert len({sample.backlog for sample in alone}) == 1
        asking = max(sample.fraction for sample in alone)

        for number, name in enumerate(REVIEWERS):
            desk.comes(secrets[name], HABITS, seed=number)
        came = now()
        await until(lambda: desk.samples[-1].fraction > 2 * asking, what="more is asked again")
        await until(lambda: settled(desk, came), what="settled")
    assert most(desk.samples) <= CAP


def most(samples: Sequence[Sample]) -> int:
    """The largest backlog seen."""
    return max(sample.backlog for sample in samples)


def settled(desk: Scene, since: float = 0.0, seconds: float = 4.0) -> bool:
    """Whether the backlog has been about its target lately."""
    start = max(now() - seconds, since)
    recent = [sample.backlog for sample in desk.since(start)]
    steady = 0.6 * TARGET <= mean(recent) <= 1.4 * TARGET and min(recent) > len(REVIEWERS)
    return now() - since >= seconds and steady


def idle(samples: Sequence[Sample]) -> float:
    """The share of moments at which nothing waited for the next reviewer."""
    return mean(sample.waiting == 0 for sample in samples)
