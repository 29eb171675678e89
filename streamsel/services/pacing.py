"""How much a selector may ask: its event rate shared, the facts fetched, the desk's outages noticed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from streamsel.metrics import Metrics
from streamsel.ports import Clock, ReviewQueue
from streamsel.review.refusals import DeskUnreachable
from streamsel.selection import CapacityPolicy, QueryRate
from streamsel.selection.budget import Budget

NOTHING = QueryRate(fraction=0.0, explore_fraction=0.0, room=0, explore_room=0.0)
REPORT_SECONDS = 0.25
"""How often the facts are fetched: the control's dead time."""

OnOutage = Literal["pause", "shed"]


@dataclass(frozen=True, slots=True)
class Spending:
    """Queries made of a micro-batch."""

    uncertain: int = 0
    explored: float = 0.0
    """Those drawn at random, held out or not, in expectation: so no draw bears on what the next micro-batch
    may spend."""

    def __add__(self, other: Spending) -> Spending:
        return Spending(self.uncertain + other.uncertain, self.explored + other.explored)

    def __sub__(self, other: Spending) -> Spending:
        return Spending(self.uncertain - other.uncertain, self.explored - other.explored)


class EventRate:
    """Events per second: the larger of a fast and a slow average, so that a burst is felt at once."""

    def __init__(self, now: float, fast_seconds: float = 0.5, slow_seconds: float = 5.0) -> None:
        self._spans = (fast_seconds, slow_seconds)
        self._rates = [0.0, 0.0]
        self._since = self._begun = now
        self._count = 0

    def count(self, events: int) -> None:
        self._count += events

    def per_second(self, now: float) -> float:
        """The rate up to ``now``; an average younger than its span is the plain mean so far."""
        elapsed = now - self._since
        if elapsed <= 0.0:
            return max(self._rates)
        current = self._count / elapsed
        for index, span in enumerate(self._spans):
            weight = max(1.0 - math.exp(-elapsed / span), elapsed / (now - self._begun))
            self._rates[index] += (current - self._rates[index]) * weight
        self._since, self._count = now, 0
        return max(self._rates)


class Pacing:
    """Keeps the current query rate; tells whether the desk answers."""

    def __init__(
        self,
        name: str,
        queue: ReviewQueue,
        policy: CapacityPolicy,
        on_outage: OnOutage,
        clock: Clock,
        metrics: Metrics,
        budget: Budget | None = None,
        resting: Callable[[], bool] = lambda: False,
    ) -> None:
        """While ``resting`` is true, only what is drawn at random is asked about."""
        self._name = name
        self._queue = queue
        self._policy = policy
        self._budget = budget if budget is not None else Budget()
        self._resting = resting
        self._on_outage = on_outage
        self._clock = clock
        self._metrics = metrics
        self._rate = NOTHING
        self._outstanding = Spending()
        self._landed = Spending()
        self._events = EventRate(clock.monotonic())
        self._log = structlog.get_logger()
        self._may_consume = asyncio.Event()
        self.outage = False
        if on_outage == "shed":
            self._may_consume.set()
        self._metrics.desk_outage.labels(on_outage).set(0)

    @property
    def rate(self) -> QueryRate:
        """What the next micro-batch may spend; nothing while the desk is away."""
        if self.outage:
            return NOTHING
        spent = self._outstanding
        return replace(
            self._rate,
            room=max(int(self._rate.room - spent.uncertain - spent.explored), 0),
            explore_room=max(self._rate.explore_room - spent.explored, 0.0),
        )

    def spent(self, events: int, spending: Spending, queries: int = 0, cost: float = 0.0) -> None:
        """A micro-batch was decided; its queries count against the room until the facts have them.

        ``queries`` are those asked, random ones as drawn, and ``cost`` what they come to in ordinary ones:
        these the budget is charged with.
        """
        self._events.count(events)
        self._outstanding += spending
        self._budget.spent(queries, cost)

    def landed(self, spending: Spending) -> None:
        """The desk has the queries of micro-batches decided before; the next facts will tell of them."""
        self._landed += spending

    def forget(self) -> None:
        """What was on its way to the desk was dropped, and is decided or offered anew."""
        self._outstanding = self._landed = Spending()

    @property
    def open(self) -> bool:
        """Whether events may be consumed now."""
        return self._may_consume.is_set()

    async def may_consume(self) -> None:
        """Waits while an outage pauses the stream, and for the first facts."""
        await self._may_consume.wait()

    async def run(self) -> None:
        """Reports until cancelled."""
        while True:
            await self.report()
            await asyncio.sleep(REPORT_SECONDS)

    async def report(self) -> None:
        """One exchange with the desk."""
        now = self._clock.monotonic()
        events_per_second = self._events.per_second(now)
        landed = self._landed
        try:
            facts = await self._queue.report(self._name, events_per_second)
        except DeskUnreachable as error:
            self.desk_lost(error)
            return
        affordable = self._budget.fraction(now, events_per_second, facts.events_per_second)
        self._rate = self._policy.rate(facts, affordable)
        if self._resting():
            drawn = self._rate.explore_fraction + self._rate.holdout_fraction
            self._rate = replace(self._rate, fraction=drawn)
        # What is still on its way, or landed meanwhile, may not be among the facts.
        self._outstanding -= landed
        self._landed -= landed
        self._metrics.query_fraction.set(self._rate.fraction)
        self.desk_found()

    def desk_lost(self, error: DeskUnreachable) -> None:
        """The desk did not answer: from here on the stream is paused, or goes on without queries."""
        if not self.outage:
            self.outage = True
            self._log.error("desk_unreachable", on_desk_outage=self._on_outage, error=str(error))
            self._metrics.desk_outage.labels(self._on_outage).set(1)
            self._metrics.query_fraction.set(0.0)
        if self._on_outage == "pause":
            self._may_consume.clear()

    def desk_found(self) -> None:
        """The desk answers (again)."""
        if self.outage:
            self.outage = False
            self._log.info("desk_reachable", on_desk_outage=self._on_outage)
            self._metrics.desk_outage.labels(self._on_outage).set(0)
        self._may_consume.set()
