"""A running service with a stream put through it: fed, followed, measured, and summed up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import numpy as np

from streamsel.demo.comparison import Comparison
from streamsel.demo.following import Following
from streamsel.demo.options import DemoOptions
from streamsel.demo.pace import Pace, feed
from streamsel.demo.picture import QUERIES_SHOWN, Picture, svg
from streamsel.demo.summary import DemoSummary
from streamsel.demo.transactions import LABELS, Transaction, transactions
from streamsel.demo.view import View
from streamsel.learning.spec import ModelSpec
from streamsel.ports import QueueStatus
from streamsel.wiring.service import Service

Part = TypeVar("Part")

_SAMPLE_SECONDS = 0.2
_RATE_SAMPLES = 5
"""The rate shown is that of the last second."""
_POLL_SECONDS = 0.05
_DRAIN_SECONDS = 20.0
"""How long the reviewers may take for what is left once the last event is decided."""
_TRICKLE_PER_SECOND = 3.0
"""Events that keep coming while somebody labels by hand."""


class Show:
    """One demo over a running service. ``follow`` and ``measure`` must be running while it plays."""

    def __init__(self, options: DemoOptions, service: Service, link: str) -> None:
        self._options = options
        self._intake = service.intake
        self._desk = _required(service.desk)
        self._learner = _required(service.learner)
        self._selector = _required(service.selector)
        self._transactions: dict[str, Transaction] = {}
        self._stream = transactions(options.seed, options.events)
        self._pace = Pace(options.events)
        spec = ModelSpec(LABELS, preset=options.preset, seed=options.seed)
        self._comparison = Comparison(spec, self._transactions, options.seed)
        self._following = Following(
            service.decision_log, service.label_log, self._comparison, recent=QUERIES_SHOWN
        )
        self._backlogs: list[int] = []
        self._decided: deque[tuple[float, int]] = deque([(_now(), 0)], maxlen=_RATE_SAMPLES + 1)
        self._played = False
        self._begun = _now()
        self._all_decided: float | None = None
        self.picture = Picture(
            title=f"streamsel demo · {options.stream} · {options.preset}",
            events=options.events,
            target_backlog=options.target_backlog,
            link=link,
        )

    def truth_of(self, event_id: str) -> str:
        """What a reviewer who makes no mistake answers."""
        return self._transactions[event_id].truth

    async def play(self) -> None:
        """Feeds the stream; returns once every event is decided and, as far as they are answered in time,
        every query labelled."""
        self._begun = _now()
        await feed(self._stream, self._pace, self._intake, self._keep)
        await _holds(self._everything_decided)
        self._all_decided = _now()
        if self._options.screenshot is not None:
            self._options.screenshot.write_text(svg(self.picture), encoding="utf-8")
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await _holds(self._every_query_closed)
        self._played = True

    async def trickle(self) -> None:
        """Goes on with the stream, at a pace for one person, until cancelled."""
        endless = Pace(events=10**9, events_per_second=_TRICKLE_PER_SECOND, burst_share=0.0)
        await feed(self._stream, endless, self._intake, self._keep)

    async def follow(self) -> None:
        """Reads decisions and labels until cancelled."""
        await self._following.run()

    async def measure(self, view: View) -> None:
        """Looks at the desk and brings the picture up to date until cancelled."""
        while True:
            self._sample(await self._desk.status())
            view.show()
            await asyncio.sleep(_SAMPLE_SECONDS)

    async def summary(self) -> DemoSummary:
        """What came of it so far."""
        await self._following.catch_up()
        await self._learner.reached(self._following.labels)
        status = await self._desk.status()
        following, compared, running = self._following, self._comparison, self._comparison.running
        decisions = following.decisions
        seconds = (self._all_decided or _now()) - self._begun
        return DemoSummary(
            events=len(self._transactions),
            decisions=decisions,
            queries=following.asked.total(),
            queries_repeated=sum(times > 1 for times in following.asked.values()),
            queries_expired=status.expired_total,
            labels=following.labels,
            query_fraction=following.asked.total() / decisions if decisions else 0.0,
            backlog_p95=float(np.percentile(self._backlogs, 95.0)) if self._backlogs else 0.0,
            backlog_target=self._options.target_backlog,
            age_p95_seconds=following.age_p95,
            accuracy=running.accuracy,
            accuracy_random=compared.random_accuracy,
            balanced_accuracy=running.balanced_accuracy,
            balanced_accuracy_random=compared.random_balanced_accuracy,
            average_precision=running.average_precision,
            average_precision_random=compared.random_average_precision,
            events_per_second=decisions / seconds,
            model_version=self._learner.version,
            digest=self._learner.digest(),
            interrupted=not self._played,
        )

    def _keep(self, transaction: Transaction) -> None:
        self._transactions[str(transaction.event["id"])] = transaction

    async def _everything_decided(self) -> bool:
        return self._selector.events_decided >= self._options.events

    async def _every_query_closed(self) -> bool:
        """Whether all that the decisions asked for came to an end; some may not even be at the desk yet."""
        status, following = await self._desk.status(), self._following
        closed = following.labels + status.expired_total + status.dead_total
        return following.decisions == self._options.events and len(following.asked) <= closed

    def _sample(self, status: QueueStatus) -> None:
        picture, selector = self.picture, self._selector
        backlog = _open(status)
        if 0 < selector.events_decided < self._options.events:
            self._backlogs.append(backlog)
        self._decided.append((_now(), selector.events_decided))
        (since, before), (now, decided) = self._decided[0], self._decided[-1]
        picture.decided = decided
        picture.events_per_second = (decided - before) / (now - since)
        picture.bursting = self._pace.bursting(len(self._transactions))
        picture.query_fraction = selector.query_fraction
        picture.fractions.append(selector.query_fraction)
        picture.backlog = backlog
        picture.backlogs.append(backlog)
        picture.oldest_seconds = status.oldest_seconds
        picture.live_reviewers = status.live_reviewers
        picture.labels = self._following.labels
        picture.model_version = self._learner.version
        picture.accuracy = self._comparison.running.accuracy
        picture.accuracy_random = self._comparison.random_accuracy
        picture.recent, picture.answers = self._following.recent, self._following.answers


def _open(status: QueueStatus) -> int:
    """Queries waiting or in a reviewer's hands."""
    return sum(status.waiting.values()) + sum(status.leased.values())


async def _holds(condition: Callable[[], Awaitable[bool]]) -> None:
    """Looks until it does: what others do is seen here only by looking."""
    while not await condition():  # noqa: ASYNC110
        await asyncio.sleep(_POLL_SECONDS)


def _required(part: Part | None) -> Part:
    if part is None:
        raise ValueError("a demo needs a service in both roles, selector and desk")
    return part


def _now() -> float:
    return asyncio.get_running_loop().time()
