"""From decided to done: a micro-batch's decisions durable, its queries at the desk, its positions committed.

In order, several micro-batches at a time, so that neither the broker's acknowledgement nor the desk's answer
is waited for before the next events are decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from streamsel.metrics import Metrics
from streamsel.ports import Clock, EventSource, ReviewQueue
from streamsel.records import Partition, Query
from streamsel.review.refusals import DeskUnreachable
from streamsel.services.pacing import OnOutage, Pacing, Spending

IN_FLIGHT = 64
"""Micro-batches decided but not yet durable and offered."""
COMMIT_SECONDS = 0.2


Tenures: TypeAlias = Mapping[Partition, int]
"""The partitions owned, each with a number that no other time of owning it has."""


@dataclass(frozen=True, slots=True)
class _Batch:
    durable: asyncio.Future[None]
    queries: Sequence[Query]
    positions: Mapping[Partition, int]
    tenures: Tenures
    spending: Spending


class Outbox:
    """What one membership of the group has decided and not yet committed.

    Each time a partition is owned is a *tenure* of its own: what was decided in one that has ended is
    finished, which is harmless, but no longer committed. ``unoffered`` outlives the membership.
    """

    def __init__(
        self,
        source: EventSource,
        queue: ReviewQueue,
        pacing: Pacing,
        on_outage: OnOutage,
        unoffered: list[Query],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._source = source
        self._queue = queue
        self._pacing = pacing
        self._on_outage = on_outage
        self._clock = clock
        self._metrics = metrics
        self._batches: asyncio.Queue[_Batch] = asyncio.Queue(IN_FLIGHT)
        self._idle = asyncio.Event()
        self._idle.set()
        self._tenures: dict[Partition, int] = {}
        self._owned_ever = 0
        self._done: dict[Partition, int] = {}
        self._newly_done = asyncio.Event()
        self._unoffered = unoffered
        self.unfinished = 0
        self.finished = 0

    @property
    def tenures(self) -> Tenures:
        """As they are now."""
        return dict(self._tenures)

    def own(self, partitions: Iterable[Partition]) -> None:
        """These are ours from now on."""
        for partition in partitions:
            self._owned_ever += 1
            self._tenures[partition] = self._owned_ever

    def lose(self, partitions: Iterable[Partition]) -> None:
        """These are someone else's now."""
        for partition in partitions:
            self._tenures.pop(partition, None)
            self._done.pop(partition, None)

    def lasts(self, partition: Partition, tenures: Tenures) -> bool:
        """Whether a partition owned in ``tenures`` has been owned ever since."""
        return partition in tenures and self._tenures.get(partition) == tenures[partition]

    async def put(
        self,
        durable: Awaitable[None],
        queries: Sequence[Query],
        positions: Mapping[Partition, int],
        tenures: Tenures,
        spending: Spending,
    ) -> None:
        """Takes a micro-batch decided in ``tenures``; waits while too many are under way."""
        self.unfinished += 1
        self._idle.clear()
        written = asyncio.ensure_future(durable)
        await self._batches.put(_Batch(written, queries, positions, tenures, spending))

    async def finish_all(self) -> None:
        """Runs until cancelled; raises ``SourceUnavailable`` when decisions could not be made durable."""
        following: _Batch | None = None
        while True:
            batch = following or await self._batches.get()
            # A membership that ends must not take back what is being written: a log in order of offsets would
            # take what comes after it, and then never that.
            await asyncio.shield(batch.durable)
            batches = [batch]
            # The desk writes to disk before it answers, so what is durable by now goes to it in one call;
            # what is not is left for the next: a slow disk must not keep back what it has written.
            while (following := self._next()) and following.durable.done() and len(batches) < IN_FLIGHT:
                following.durable.result()
                batches.append(following)
            queries = [query for batch in batches for query in batch.queries]
            if queries or (self._unoffered and not self._pacing.outage):
                started = self._clock.monotonic()
                await self._offer(queries)
                self._metrics.stage["offer"].observe(self._clock.monotonic() - started)
            for batch in batches:
                self._pacing.landed(batch.spending)
                for partition, position in batch.positions.items():
                    if self.lasts(partition, batch.tenures):
                        self._done[partition] = position
            self._newly_done.set()
            self.unfinished -= len(batches)
            self.finished += len(batches)
            if self.unfinished == 0:
                self._idle.set()

    def _next(self) -> _Batch | None:
        return None if self._batches.empty() else self._batches.get_nowait()

    async def commit_all(self) -> None:
        """Commits what is done, at once when quiet and every now and then when busy, until cancelled."""
        while True:
            await self._newly_done.wait()
            self._newly_done.clear()
            await self._commit()
            await asyncio.sleep(COMMIT_SECONDS)

    async def settle(self) -> None:
        """Waits until all that was put is done, and commits it."""
        await self._idle.wait()
        await self._commit()

    async def _offer(self, queries: Sequence[Query]) -> None:
        """To the desk; during an outage waits for it, or keeps the queries aside and goes on."""
        while True:
            try:
                await self._queue.offer([*self._unoffered, *queries])
            except DeskUnreachable as error:
                self._pacing.desk_lost(error)
                if self._on_outage == "shed":
                    # At most what was in flight when the desk went away: no query is made meanwhile.
                    self._unoffered.extend(queries)
                    self._metrics.shed_queries.inc(len(queries))
                    return
                await self._pacing.may_consume()
            else:
                self._unoffered.clear()
                return

    async def _commit(self) -> None:
        positions, self._done = self._done, {}
        if not positions:
            return
        started = self._clock.monotonic()
        await self._source.commit(positions)
        self._metrics.stage["commit"].observe(self._clock.monotonic() - started)
