"""How fast the demo's events come: steadily, but for one burst in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import orjson

from streamsel.demo.transactions import Transaction
from streamsel.ports import EventIntake

_TICK_SECONDS = 0.02
_LARGEST_APPEND = 500


@dataclass(frozen=True, slots=True)
class Pace:
    """The share ``burst_share`` of the events, from the middle on, comes ``burst_factor`` times as fast."""

    events: int
    events_per_second: float = 400.0
    burst_factor: float = 4.0
    burst_share: float = 0.15

    def due(self, seconds: float) -> int:
        """How many events should have come ``seconds`` after the first."""
        start = self.events / 2.0 / self.events_per_second
        length = self.events * self.burst_share / (self.events_per_second * self.burst_factor)
        bursting = min(max(seconds - start, 0.0), length)
        steady = seconds - bursting
        return min(int(self.events_per_second * (steady + self.burst_factor * bursting)), self.events)

    def bursting(self, events: int) -> bool:
        """Whether the burst is on when that many events have come."""
        return self.events / 2.0 <= events < self.events * (0.5 + self.burst_share)


async def feed(
    stream: Iterator[Transaction],
    pace: Pace,
    intake: EventIntake,
    keep: Callable[[Transaction], None],
) -> None:
    """Puts the stream into the intake at its pace; each transaction is kept before it is decided."""
    clock = asyncio.get_running_loop().time
    begun, fed = clock(), 0
    while fed < pace.events:
        due = min(pace.due(clock() - begun) - fed, _LARGEST_APPEND)
        transactions = list(islice(stream, due))
        for transaction in transactions:
            keep(transaction)
        if transactions:
            await intake.append([orjson.dumps(transaction.event) for transaction in transactions])
            fed += len(transactions)
        await asyncio.sleep(_TICK_SECONDS)
