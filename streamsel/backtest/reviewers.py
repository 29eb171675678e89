"""Simulated reviewers at a simulated desk, in virtual time: no clock, and all chance from one seed.

The desk counts as the real one does: completions a second as an exponential average over half a window, the
mean review over the last twenty or so, a reviewer as live for one window; queries are claimed in the order
of ``review.priority``. Reviewers claim as soon as there is something to claim, and finish what they hold
before they go.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamsel.backtest.trace import Absence, Burst, Floats, ReviewCourse, ReviewerPlan
from streamsel.review.priority import ageing_seconds
from streamsel.selection.capacity import CapacityFacts
from streamsel.selection.gate import UNCERTAIN

WINDOW_SECONDS = 60.0
"""Over which completions and live reviewers are counted."""
MEAN_OVER = 20
SPREAD = 0.5
"""Standard deviation of the logarithm of a review's time: people's times at a task are about log-normal
(R. D. Luce, Response Times, 1986)."""


def arrivals(
    count: int, events_per_second: float, times: Floats | None, bursts: Sequence[Burst] = ()
) -> Floats:
    """When events arrive, in seconds since the first: (count,), never falling.

    By ``times`` (seconds, of shape (count,)) or else at an even pace; during a burst that clock runs
    ``factor`` times as fast.
    """
    paced = np.arange(count) / events_per_second if times is None else times - times[:1]
    return hastened(np.asarray(paced, dtype=np.float64), bursts)


def hastened(paced: Floats, bursts: Sequence[Burst]) -> Floats:
    """The times at which a clock that runs faster during bursts shows ``paced``; both (events,), from 0."""
    edges = sorted({0.0, *(edge for burst in bursts for edge in (burst.start, burst.stop))})
    shown, rates = [0.0], []
    for start, stop in zip(edges, [*edges[1:], math.inf], strict=True):
        rate = math.prod(burst.factor for burst in bursts if burst.start <= start < burst.stop)
        rates.append(rate)
        shown.append(shown[-1] + rate * (stop - start))
    stretch = np.searchsorted(shown[1:-1], paced, side="right")
    since: Floats = (paced - np.array(shown[:-1])[stretch]) / np.array(rates)[stretch]
    return np.array(edges)[stretch] + since


@dataclass(frozen=True, slots=True, order=True)
class _Query:
    priority: float
    offered_at: float
    row: int


@dataclass(frozen=True, slots=True)
class _Review:
    row: int
    offered_at: float
    seconds: float


class SimulatedDesk:
    """Offered queries, claimed and answered as virtual time goes on.

    Times are seconds since the first event and must not fall from call to call.
    """

    def __init__(self, plan: ReviewerPlan, seed: int) -> None:
        self._plan = plan
        self._rng = np.random.default_rng(seed)
        self._now = 0.0
        self._claimable: list[_Query] = []
        """A heap; some may have expired since."""
        self._waiting: dict[int, float] = {}
        """Row to the time it was offered at, in that order."""
        self._idle = deque(range(plan.reviewers))
        """Reviewers without a query, whoever has been so for longest first."""
        self._moments: list[tuple[float, int, _Review | None]] = []
        """A heap: when a reviewer ends a review, or an absence where there is none."""
        self._away = [absences(plan.absences, reviewer) for reviewer in range(plan.reviewers)]
        self._answered: list[int] = []
        self._rate, self._rated_at = 0.0, 0.0
        self._mean: float | None = None
        self._backlog: list[tuple[float, int]] = [(0.0, 0)]
        self._ages: list[tuple[float, float]] = []
        self._review_seconds = 0.0
        self._overtime = 0.0
        """Spent on finishing a review before going."""
        self._expired = 0

    def offer(self, now: float, row: int, utility: float, lane: int) -> None:
        """A query about the event of ``row``; ``utility`` in [0, 1], ``lane`` the gate's code."""
        self._advance(now)
        head_start = utility if lane == UNCERTAIN else 1.0
        ahead = head_start * ageing_seconds(self._plan.expire_seconds)
        heapq.heappush(self._claimable, _Query(now - ahead, now, row))
        self._waiting[row] = now
        self._backlog_changes(now, +1)

    def answered(self, until: float) -> list[int]:
        """The rows answered up to ``until`` that were not told before, in the order of their answers."""
        self._advance(until)
        rows, self._answered = self._answered, []
        return rows

    def facts(self, now: float, events_per_second: float) -> CapacityFacts:
        """What the capacity law is told at ``now``."""
        self._advance(now)
        busy = {reviewer for _, reviewer, review in self._moments if review is not None}
        return CapacityFacts(
            backlog=self._backlog[-1][1],
            oldest_seconds=now - next(iter(self._waiting.values()), now),
            live_reviewers=sum(
                reviewer in busy or _last_there(away, now) > now - WINDOW_SECONDS
                for reviewer, away in enumerate(self._away)
            ),
            completions_per_second=self._completions_per_second(now),
            mean_review_seconds=self._mean,
            events_per_second=events_per_second,
        )

    def course(self, ended_at: float) -> ReviewCourse:
        """How it went up to ``ended_at``."""
        self._advance(ended_at)
        backlog = np.array(self._backlog)
        ages = np.array(self._ages).reshape(-1, 2)
        ahead = sum(end - ended_at for end, _, review in self._moments if review is not None)
        away = sum(max(min(stop, ended_at) - start, 0.0) for spans in self._away for start, stop in spans)
        return ReviewCourse(
            backlog_at=backlog[:, 0],
            backlog=backlog[:, 1].astype(np.int64),
            answered_at=ages[:, 0],
            ages=ages[:, 1],
            expired=self._expired,
            ended_at=ended_at,
            review_seconds=self._review_seconds - ahead,
            present_seconds=self._plan.reviewers * ended_at - away + self._overtime,
        )

    def _advance(self, now: float) -> None:
        if now == self._now:
            return  # what is offered at one moment is claimed by its priority, once time goes on
        self._assign(self._now)
        while self._moments and self._moments[0][0] <= now:
            at, reviewer, review = heapq.heappop(self._moments)
            self._expire(at)
            if review is not None:
                self._answer(at, review)
            self._idle.append(reviewer)
            self._assign(at)
        self._expire(now)
        self._now = now

    def _assign(self, at: float) -> None:
        """Queries to whoever is free, the most urgent first."""
        while self._idle and self._waiting:
            reviewer = self._idle.popleft()
            back = _back_at(self._away[reviewer], at)
            if back > at:
                heapq.heappush(self._moments, (back, reviewer, None))
                continue
            query = heapq.heappop(self._claimable)
            while query.row not in self._waiting:
                query = heapq.heappop(self._claimable)
            del self._waiting[query.row]
            took = self._plan.review_seconds * math.exp(self._rng.normal(-(SPREAD**2) / 2, SPREAD))
            self._review_seconds += took
            self._overtime += sum(
                max(min(stop, at + took) - max(start, at), 0.0) for start, stop in self._away[reviewer]
            )
            review = _Review(query.row, query.offered_at, took)
            heapq.heappush(self._moments, (at + took, reviewer, review))

    def _answer(self, at: float, review: _Review) -> None:
        self._answered.append(review.row)
        self._ages.append((at, at - review.offered_at))
        mean = review.seconds if self._mean is None else self._mean
        self._mean = mean + (review.seconds - mean) / min(len(self._ages), MEAN_OVER)
        self._rate = self._completions_per_second(at) + 2.0 / WINDOW_SECONDS
        self._rated_at = at
        self._backlog_changes(at, -1)

    def _expire(self, now: float) -> None:
        while self._waiting:
            row, offered_at = next(iter(self._waiting.items()))
            expires_at = offered_at + self._plan.expire_seconds
            if expires_at > now:
                return
            del self._waiting[row]
            self._expired += 1
            self._backlog_changes(expires_at, -1)

    def _completions_per_second(self, now: float) -> float:
        return self._rate * math.exp((self._rated_at - now) / (WINDOW_SECONDS / 2))

    def _backlog_changes(self, at: float, by: int) -> None:
        self._backlog.append((at, self._backlog[-1][1] + by))


def absences(planned: Sequence[Absence], reviewer: int) -> list[tuple[float, float]]:
    """When the reviewer of that number is away: spans that do not touch, in order."""
    spans: list[tuple[float, float]] = []
    for absence in sorted(planned, key=lambda absence: absence.start):
        if absence.reviewers is not None and reviewer >= absence.reviewers:
            continue
        if spans and absence.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], absence.stop))
        else:
            spans.append((absence.start, absence.stop))
    return spans


def _back_at(away: Sequence[tuple[float, float]], at: float) -> float:
    return next((stop for start, stop in away if start <= at < stop), at)


def _last_there(away: Sequence[tuple[float, float]], at: float) -> float:
    return next((start for start, stop in away if start <= at < stop), at)
