"""What a selector sees of the world, in memory, for tests of the selector alone.

They stand for the servers behind the ports: a Kafka or Redis-streams topic of events with its consumer group,
the decisions and dead-letters topics, and the desk's store. Each keeps the promises of its Protocol in
``ports.py`` and can be made to fail, or to hang, before or after any effect. The real adapters are held to
the same promises by the contract tests, and are run with a real selector end to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from streamsel.learning.scorer import Opinions
from streamsel.ports import OutgoingDecisions, RebalanceListener
from streamsel.records import Experience, FeatureTable, Partition, Query
from streamsel.selection import CapacityFacts

TOPIC = "events"
BUSY = CapacityFacts(
    backlog=0, oldest_seconds=0.0, live_reviewers=1_000_000, completions_per_second=1.0,
    mean_review_seconds=1.0, events_per_second=1_000.0,
)  # fmt: skip
"""Reviewers enough for the whole budget."""


class Crash(Exception):
    """The process dies here."""


class Event(NamedTuple):
    """One record of the events topic."""

    topic: str
    partition: int
    offset: int
    value: bytes
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass
class World:
    """What outlives a selector: topics, positions, the desk; and what goes wrong with them."""

    events: dict[int, list[bytes]] = field(default_factory=lambda: {0: []})
    committed: dict[int, int] = field(default_factory=dict)
    decisions: dict[int, list[tuple[int, bytes]]] = field(default_factory=dict)
    """By partition: source offset and record, in the order they became durable."""
    letters: list[bytes] = field(default_factory=list)
    desk: dict[str, Query] = field(default_factory=dict)
    offers: list[str] = field(default_factory=list)
    """Query ids in the order of offering, repetitions included."""
    facts: CapacityFacts = BUSY
    history: list[str] = field(default_factory=list)
    """Effects in the order they happened."""
    faults: dict[str, list[Exception | None]] = field(default_factory=dict)
    """By step: what to raise at each passage; ``None`` lets one pass."""
    outages: dict[str, Exception] = field(default_factory=dict)
    """By step: what to raise at every passage."""
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    """By step: what to wait for at every passage."""

    async def reach(self, step: str) -> None:
        """A step of a double: ``join``, ``recorded``, ``poll``, ``send``, ``durable``, ``letters``,
        ``offer``, ``commit``, ``report``; one with an effect is passed again after it, as ``… done``."""
        if step in self.held:
            await self.held[step].wait()
        if step in self.outages:
            raise self.outages[step]
        if self.faults.get(step):
            fault = self.faults[step].pop(0)
            if fault is not None:
                raise fault

    def lines(self, partition: int = 0) -> list[bytes]:
        """The decisions of a partition, as they stand in their topic."""
        return [value for _, value in self.decisions.get(partition, [])]


class SourceDouble:
    """``EventSource`` over ``World.events``; ``give`` and ``take`` are what a rebalance does."""

    def __init__(self, world: World, partitions: Sequence[int]) -> None:
        self._world = world
        self._wanted = partitions
        self._positions: dict[int, int] = {}
        self._open = False
        self.fetched_before_closing = False
        """Whether a poll may return records though a revocation has begun, as a fetch under way does."""
        self.starts = 0
        self.commits: list[Mapping[Partition, int]] = []

    async def start(self, listener: RebalanceListener) -> None:
        await self._world.reach("join")
        self.starts += 1
        self._listener = listener
        await self.give(self._wanted)

    async def give(self, partitions: Sequence[int]) -> None:
        positions = {partition: self._world.committed.get(partition, 0) for partition in partitions}
        await self._listener.on_assigned({Partition(TOPIC, one): at for one, at in positions.items()})
        self._positions |= positions
        self._open = True

    async def take(self, partitions: Sequence[int]) -> None:
        self._open = False
        await self._listener.on_revoked([Partition(TOPIC, partition) for partition in partitions])
        for partition in partitions:
            self._positions.pop(partition, None)
        self._open = True

    async def poll(
        self, max_records: int, wait_seconds: float
    ) -> Sequence[tuple[Partition, Sequence[Event]]]:
        await self._world.reach("poll")
        polled = self._fetch(max_records)
        if not polled:
            await asyncio.sleep(wait_seconds)
            polled = self._fetch(max_records)
        return polled

    def _fetch(self, max_records: int) -> list[tuple[Partition, Sequence[Event]]]:
        polled: list[tuple[Partition, Sequence[Event]]] = []
        if not (self._open or self.fetched_before_closing):
            return polled
        share = max(max_records // max(len(self._positions), 1), 1)
        for partition, start in self._positions.items():
            values = self._world.events[partition][start : start + share]
            if values:
                self._positions[partition] += len(values)
                events = [Event(TOPIC, partition, start + index, one) for index, one in enumerate(values)]
                polled.append((Partition(TOPIC, partition), events))
        return polled

    async def commit(self, positions: Mapping[Partition, int]) -> None:
        self.commits.append(positions)
        await self._world.reach("commit")
        for place, position in positions.items():
            if place.partition in self._positions:
                self._world.committed[place.partition] = position
        self._world.history.append("commit")
        await self._world.reach("commit done")

    async def lag(self) -> int:
        return sum(len(self._world.events[one]) - at for one, at in self._positions.items())

    async def stop(self) -> None:
        self._positions.clear()


class SinkDouble:
    """``DecisionSink``: what is sent becomes durable in order, once step ``durable`` lets it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last: asyncio.Future[None] | None = None

    async def send(self, decisions: Sequence[OutgoingDecisions]) -> Awaitable[None]:
        await self._world.reach("send")
        self._last = asyncio.ensure_future(self._write(decisions, self._last))
        await self._world.reach("send done")
        return self._last

    async def _write(
        self, decisions: Sequence[OutgoingDecisions], before: asyncio.Future[None] | None
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        await self._world.reach("durable")
        for some in decisions:
            lines = self._world.decisions.setdefault(some.partition, [])
            lines += zip(some.offsets, some.values, strict=True)
        self._world.history.append("durable")
        await self._world.reach("durable done")

    async def recorded(self, partition: int, since: int) -> Mapping[int, bytes]:
        await self._world.reach("recorded")
        return {at: value for at, value in self._world.decisions.get(partition, []) if at >= since}

    async def close(self) -> None:
        """Nothing to close."""


class DeadLettersDouble:
    """``DeadLetterSink``."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def send(self, letters: Sequence[bytes]) -> None:
        await self._world.reach("letters")
        self._world.letters += letters
        self._world.history.append("letters")
        await self._world.reach("letters done")

    async def close(self) -> None:
        """Nothing to close."""


class DeskDouble:
    """What a selector asks of ``ReviewQueue``: ``offer`` and ``report``."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def offer(self, queries: Sequence[Query]) -> int:
        await self._world.reach("offer")
        new = [query for query in queries if query.query_id not in self._world.desk]
        self._world.desk |= {query.query_id: query for query in new}
        self._world.offers += [query.query_id for query in queries]
        self._world.history.append("offer")
        await self._world.reach("offer done")
        return len(new)

    async def report(self, selector: str, events_per_second: float) -> CapacityFacts:  # noqa: ARG002
        await self._world.reach("report")
        return self._world.facts


class ScorerDouble:
    """A model that believes field ``p``; ``contrary`` is unsure of just what the other is sure of."""

    version = 3
    labels = ("no", "yes")
    experience = Experience()

    def __init__(self, contrary: bool = False) -> None:
        self._contrary = contrary

    def opinions(self, table: FeatureTable) -> Opinions:
        column = table.names.index("p")
        shares = np.array([float(row[column] or 0.0) for row in table.rows])
        if self._contrary:
            shares = np.where(shares == 0.5, 1.0, 0.5)
        return Opinions(np.stack([1.0 - shares, shares], axis=1))

    def contributions(self, table: FeatureTable) -> Sequence[Mapping[str, float]]:
        events = map(table.row, range(len(table.rows)))
        return [{"p": float(features.get("p") or 0.0)} for features in events]


class SlowScorer(ScorerDouble):
    """Holds the event loop for so long an event, and remembers how large the micro-batches were."""

    def __init__(self, spend: Callable[[float], None], seconds: float) -> None:
        super().__init__()
        self._spend = spend
        self.seconds = seconds
        self.batches: list[int] = []

    def opinions(self, table: FeatureTable) -> Opinions:
        self._spend(self.seconds * len(table.rows))
        self.batches.append(len(table.rows))
        return super().opinions(table)
