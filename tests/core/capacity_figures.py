"""How well the reviewers' time is used: backlog, age, busyness, and value against a clairvoyant's.

The *value* of a course is the sum of the utilities of the events reviewed for their utility. The clairvoyant
knows all events of the course beforehand and has the same reviewers, one review after the other without a
pause from the first event on, at the mean pace of the real ones; the reviews that went to exploration are
taken off its time too. It reviews the events of the largest total utility for which each answer can come
within ``AGE_LIMIT`` seconds of the event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamsel.selection import CapacityPolicy
from tests.core.closed_loop import Course, Scene

AGE_LIMIT = 90.0
SECONDS = 3_600.0
REVIEWERS = 5
REVIEW_SECONDS = 25.0
BURST = (600.0, 1_200.0)
ABSENCE = (2_000.0, 2_120.0)


@dataclass(frozen=True, slots=True)
class CapacityFigures:
    """Of one hour: 5 reviewers of 25 s a review, 20 events a second, ten times as many for ten minutes, and
    nobody there for two."""

    target_backlog: int
    backlog_p95: float
    age_p95_seconds: float
    """From event to answer, over all answers."""
    oldest_p95_seconds: float
    """Of the oldest query waiting, over time."""
    busy: float
    """The part of the reviewers' time at the desk that was spent reviewing."""
    value: float
    """Of the clairvoyant's."""
    value_with_exploration: float
    """The same with the utilities of explored events, and with all reviews left to the clairvoyant."""


async def capacity_figures(policy: CapacityPolicy, seed: int = 1) -> CapacityFigures:
    """Plays the hour of ``CapacityFigures`` under this policy, with uniformly distributed utilities."""
    course = await Scene(
        policy,
        SECONDS,
        events_per_second=lambda t: 200.0 if BURST[0] <= t < BURST[1] else 20.0,
        reviewers_at=lambda t: 0 if ABSENCE[0] <= t < ABSENCE[1] else REVIEWERS,
        seed=seed,
    ).play()
    answers = course.answers
    by_utility = [one for one in answers if one.query.lane != "explore"]
    starts = _starts(sum(one.review_seconds for one in answers) / len(answers))
    rest = np.linspace(0, len(starts) - 1, round(len(starts) * len(by_utility) / len(answers)))
    return CapacityFigures(
        target_backlog=policy.target_backlog,
        backlog_p95=float(np.percentile(course.backlog, 95)),
        age_p95_seconds=float(np.percentile([one.age_seconds for one in answers], 95)),
        oldest_p95_seconds=float(np.percentile(course.oldest, 95)),
        busy=1.0 - course.idle_seconds / (REVIEWERS * (SECONDS - (ABSENCE[1] - ABSENCE[0]))),
        value=sum(one.query.utility for one in by_utility) / clairvoyant(course, starts[rest.astype(int)]),
        value_with_exploration=sum(one.query.utility for one in answers) / clairvoyant(course, starts),
    )


def clairvoyant(course: Course, starts: np.ndarray) -> float:
    """The largest total utility of events reviewed from these times on, one each, answered in time.

    The sets of events that can be are the independent sets of a transversal matroid: taking the events by
    falling utility, each for which room can be made, finds the best of them (J. Edmonds, Matroids and the
    Greedy Algorithm, 1971).
    """
    utilities = np.concatenate(course.most_useful)
    seconds = np.repeat(course.seconds, [len(some) for some in course.most_useful])
    earliest = np.searchsorted(starts, seconds).tolist()
    latest = np.searchsorted(starts, seconds + AGE_LIMIT - REVIEW_SECONDS, side="right").tolist()
    spans = [range(first, stop) for first, stop in zip(earliest, latest, strict=True)]
    holders: dict[int, int] = {}
    full: set[int] = set()
    total = 0.0
    for event in np.argsort(-utilities, kind="stable").tolist():
        if _fitted(event, spans, holders, full):
            total += float(utilities[event])
    return total


def _fitted(event: int, spans: Sequence[range], holders: dict[int, int], full: set[int]) -> bool:
    """Finds the event a start, moving others if need be. Starts that are of no help never will be."""
    movers: dict[int, int] = {}
    waiting = deque([(event, -1)])
    left: dict[int, int] = {}
    while waiting:
        mover, leaves = waiting.popleft()
        left[mover] = leaves
        for start in spans[mover]:
            if start in full or start in movers:
                continue
            movers[start] = mover
            if start in holders:
                waiting.append((holders[start], start))
                continue
            while start >= 0:
                holders[start] = movers[start]
                start = left[movers[start]]
            return True
    full.update(movers)
    return False


def _starts(review_seconds: float) -> np.ndarray:
    """When reviews begin that follow each other without a pause while somebody is there."""
    starts = np.arange(0.0, SECONDS, review_seconds / REVIEWERS)
    return starts[(starts < ABSENCE[0]) | (starts >= ABSENCE[1])]
