"""The demo's transactions for a service that runs elsewhere, and what became of those it asked about.

Nobody's answers are made up: a while after an event was asked about, its outcome is told, as a bank learns of
a chargeback. A person may answer first.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import orjson
import structlog

from streamsel.codec import decode_decision
from streamsel.config import Config
from streamsel.demo.pace import Pace, feed
from streamsel.demo.transactions import Transaction, transactions
from streamsel.ports import EventIntake, LogReader, SourceUnavailable
from streamsel.records import Source
from streamsel.services.ending import end
from streamsel.wiring.opening import opened_logs

_SIZED_FOR = 60_000
"""Events for which the population is sized; the stream goes on beyond them."""
_ENDLESS = 10**12
_MOST_REMEMBERED = 200_000
"""Transactions whose truth is kept; older ones are not asked about any more."""
_DECISIONS_A_READ = 500
_TICK_SECONDS = 0.5
_OUTAGE_SECONDS = 1.0
_T = TypeVar("_T")


async def produce(
    config: Config, events_per_second: float, outcomes_after: float | None, seed: int, stop: asyncio.Event
) -> int:
    """Sends events until ``stop`` is set; returns how many.

    ``outcomes_after``: seconds from an event's decision to its outcome; ``None`` tells none. Once begun it
    waits out outages of the logs.
    """
    async with opened_logs(config) as logs:
        outcomes = Outcomes(outcomes_after or 0.0)
        pace = Pace(_ENDLESS, events_per_second, burst_share=0.0)
        parts: list[Coroutine[Any, Any, Any]] = [
            stop.wait(),
            feed(_happening(seed), pace, _Patient(logs.intake), outcomes.keep),
        ]
        if outcomes_after is not None:
            parts.append(outcomes.tell(_Patient(logs.outcomes_intake)))
            parts += [
                outcomes.follow(reader, await _patiently(reader.end)) for reader in logs.decision_readers
            ]
        running = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            await end(*running)
        return outcomes.kept


class Outcomes:
    """The truth of what was sent, told ``after`` seconds once it was asked about."""

    def __init__(self, after: float) -> None:
        self._after = after
        self._truths: dict[str, str] = {}
        self._due: deque[tuple[float, str]] = deque()
        """When an event's outcome is to be told, on the event loop's clock, in order."""
        self.kept = 0
        """Transactions so far."""

    def keep(self, transaction: Transaction) -> None:
        """Before it is sent."""
        self._truths[str(transaction.event["id"])] = transaction.truth
        self.kept += 1
        if len(self._truths) > _MOST_REMEMBERED:
            del self._truths[next(iter(self._truths))]

    async def follow(self, decisions: LogReader, position: int) -> None:
        """Notes what is asked about from ``position`` of a partition on, until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            read = partial(decisions.read, position, _DECISIONS_A_READ, _TICK_SECONDS)
            for offset, content in await _patiently(read):
                position = offset + 1
                decision = decode_decision(content)
                if decision.query is not None and decision.event_id in self._truths:
                    self._due.append((clock() + self._after, decision.event_id))

    async def tell(self, intake: EventIntake) -> None:
        """Tells what is due, until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            due = []
            while self._due and self._due[0][0] <= clock():
                _, event_id = self._due.popleft()
                truth = self._truths.pop(event_id, None)
                if truth is not None:
                    due.append(orjson.dumps({"id": event_id, "label": truth, "at": time.time()}))
            if due:
                await intake.append(due)


class _Patient:
    """An intake that is tried again until it takes what it is given."""

    def __init__(self, intake: EventIntake) -> None:
        self._intake = intake

    async def append(self, values: Sequence[bytes], traceparent: str | None = None) -> Sequence[Source]:
        """See ``EventIntake``; what was sent before an outage was noticed may be there twice."""
        return await _patiently(partial(self._intake.append, values, traceparent))

    async def close(self) -> None:
        await self._intake.close()


async def _patiently(call: Callable[[], Awaitable[_T]]) -> _T:
    """What it returns, once the log answers."""
    while True:
        try:
            return await call()
        except SourceUnavailable as error:
            structlog.get_logger().warning("produce_outage", error=str(error))
            await asyncio.sleep(_OUTAGE_SECONDS)


def _happening(seed: int) -> Iterator[Transaction]:
    """The stream as though it happened now, under ids that no other run has: an event decided before would
    be taken for the same."""
    run = f"{time.time_ns() // 1_000_000:x}"
    for one in transactions(seed, _SIZED_FOR):
        event = {**one.event, "id": f"{run}-{one.event['id']}", "time": round(time.time(), 3)}
        yield Transaction(event, one.truth, one.pattern)
