"""Who answers in a backtest, when, and how much may be asked."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from streamsel.backtest.reviewers import SimulatedDesk, arrivals
from streamsel.backtest.stream import Stream
from streamsel.backtest.trace import Plan, ReviewCourse, ReviewerPlan
from streamsel.selection import CapacityPolicy, QueryRate
from streamsel.selection.budget import Budget

RATE_EVENTS = 200
"""Arrivals over which the event rate is measured."""


class Oracle(Protocol):
    """Who answers, when, and how much may be asked."""

    def rate(self, row: int) -> QueryRate:
        """What the micro-batch that starts at ``row`` may spend."""

    def charge(self, queries: int, cost: float) -> None:
        """A micro-batch asked so many, at this cost together, in ordinary queries."""

    def ask(self, row: int, utility: float, lane: int) -> None: ...

    def answered(self, row: int) -> list[int]:
        """The rows whose labels have come by the time event ``row`` arrives, each once, in order."""

    def course(self) -> ReviewCourse | None: ...


def oracle_of(stream: Stream, plan: Plan) -> Oracle:
    """Whoever answers by this plan."""
    timeline = _Timeline(stream, plan)
    if plan.reviewers is None:
        return _DelayedOracle(timeline, plan)
    return _ReviewingOracle(timeline, plan, plan.reviewers)


class _Timeline:
    """When events arrive, how fast, and what the clock allows to be asked."""

    def __init__(self, stream: Stream, plan: Plan) -> None:
        bursts = () if plan.reviewers is None else plan.reviewers.bursts
        self._times = arrivals(len(stream), plan.events_per_second, stream.times, bursts)
        allowed = plan.allowance
        self._budget = (
            Budget()
            if allowed is None
            else Budget(allowed.labels_per_hour, allowed.money_per_day, allowed.money_per_query)
        )

    def __len__(self) -> int:
        return len(self._times)

    def now(self, row: int) -> float:
        """Seconds since the first event."""
        return float(self._times[min(row, len(self._times) - 1)])

    def events_per_second(self, row: int) -> float:
        """Over the last arrivals."""
        first = max(row - RATE_EVENTS, 0)
        elapsed = self.now(row) - self.now(first)
        return (row - first) / elapsed if elapsed > 0.0 else 0.0

    def affordable(self, row: int) -> float:
        """The share of events that the budgets by the clock allow from here on."""
        rate = self.events_per_second(row)
        return self._budget.fraction(self.now(row), rate, rate)

    def charge(self, queries: int, cost: float) -> None:
        self._budget.spent(queries, cost)


class _DelayedOracle:
    """Whatever is asked is answered ``delay`` events later."""

    def __init__(self, timeline: _Timeline, plan: Plan) -> None:
        self._timeline = timeline
        self._budget = plan.budget
        self._explore = plan.explore
        self._held_out = plan.holdout / plan.budget
        self._delay = plan.delay
        self._waiting: deque[int] = deque()

    def rate(self, row: int) -> QueryRate:
        fraction = min(self._budget, self._timeline.affordable(row))
        held_out = self._held_out * fraction
        explored = self._explore * (fraction - held_out)
        return QueryRate(fraction, explored, room=2**31, explore_room=2.0**31, holdout_fraction=held_out)

    def charge(self, queries: int, cost: float) -> None:
        self._timeline.charge(queries, cost)

    def ask(self, row: int, utility: float, lane: int) -> None:  # noqa: ARG002
        self._waiting.append(row)

    def answered(self, row: int) -> list[int]:
        rows = []
        while self._waiting and self._waiting[0] + self._delay < row:
            rows.append(self._waiting.popleft())
        return rows

    def course(self) -> ReviewCourse | None:
        return None


class _ReviewingOracle:
    """Simulated reviewers behind the capacity law; labels then take ``delay`` more events to arrive."""

    def __init__(self, timeline: _Timeline, plan: Plan, reviewers: ReviewerPlan) -> None:
        self._timeline = timeline
        self._desk = SimulatedDesk(reviewers, plan.seed)
        self._delay = plan.delay
        self._landed: deque[tuple[int, int]] = deque()
        self._policy = CapacityPolicy(
            budget=plan.budget,
            explore=plan.explore,
            holdout=plan.holdout,
            target_backlog=reviewers.target_backlog,
            expire_seconds=reviewers.expire_seconds,
        )

    def rate(self, row: int) -> QueryRate:
        timeline = self._timeline
        facts = self._desk.facts(timeline.now(row), timeline.events_per_second(row))
        return self._policy.rate(facts, timeline.affordable(row))

    def charge(self, queries: int, cost: float) -> None:
        self._timeline.charge(queries, cost)

    def ask(self, row: int, utility: float, lane: int) -> None:
        self._desk.offer(self._timeline.now(row), row, utility, lane)

    def answered(self, row: int) -> list[int]:
        self._landed.extend((one, row) for one in self._desk.answered(self._timeline.now(row)))
        rows = []
        while self._landed and (self._landed[0][1] + self._delay <= row or row == len(self._timeline)):
            rows.append(self._landed.popleft()[0])
        return rows

    def course(self) -> ReviewCourse | None:
        return self._desk.course(self._timeline.now(len(self._timeline)))
