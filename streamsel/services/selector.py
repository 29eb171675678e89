"""Events in, decisions and queries out.

    poll ► decide (decode, score, gate) ► decisions out ► durable ► queries to the desk ► done ► commit

Decisions are written before queries are offered: the decisions topic is the truth about what was asked, so
after a crash between any two steps the next owner of the partition finds the recorded decision of a
redelivered event, offers its query again (which adds nothing if the desk has it) and decides nothing twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import structlog

from streamsel.codec import decode_decision, encode_dead_letter
from streamsel.metrics import Metrics
from streamsel.ports import (
    Clock,
    DeadLetterSink,
    DecisionSink,
    EventSource,
    ReviewQueue,
    SourceRecord,
    SourceUnavailable,
)
from streamsel.records import DRAWN, Partition, Query, Source
from streamsel.services.decider import Decided, Decider
from streamsel.services.ending import end
from streamsel.services.outbox import Outbox, Tenures
from streamsel.services.pacing import OnOutage, Pacing, Spending

POLL_SECONDS = 0.25
LARGEST_BATCH = 2000
"""Events in a micro-batch: what each costs by itself is then spread thin."""
SLICE_SECONDS = 0.008
"""A micro-batch is kept so small that deciding it takes no more of a processor than this, and so holds the
event loop no longer. What others on a busy machine take meanwhile is no reason to make it smaller: each
micro-batch costs something by itself, and small ones would leave less for the events."""
POLLED_BATCHES = 10
"""Micro-batches polled at once: a whole fetch, so that the next is on its way while they are decided."""
LAG_SECONDS = 2.0
RETRY_SECONDS = 1.0
DRAIN_SECONDS = 2.5
POISON_WINDOW = 1_000

Result = TypeVar("Result")


class PoisonFlood(Exception):
    """More than half of the last events could not be read: something upstream is broken."""


class Selector:
    """One selector process's loop. ``run`` until ``stop``; scaled by partitions."""

    def __init__(
        self,
        *,
        source: EventSource,
        sink: DecisionSink,
        dead_letters: DeadLetterSink,
        queue: ReviewQueue,
        decider: Decider,
        pacing: Pacing,
        on_outage: OnOutage,
        clock: Clock,
        metrics: Metrics,
        processor_seconds: Callable[[], float],
    ) -> None:
        """``processor_seconds``: what the event loop's thread has had of a processor so far."""
        self._source = source
        self._sink = sink
        self._dead_letters = dead_letters
        self._queue = queue
        self._decider = decider
        self._pacing = pacing
        self._on_outage = on_outage
        self._clock = clock
        self._metrics = metrics
        self._processor_seconds = processor_seconds
        self._log = structlog.get_logger()
        self._stopping = asyncio.Event()
        self._unoffered: list[Query] = []
        self._recent_poison: deque[bool] = deque(maxlen=POISON_WINDOW)
        self._batch_limit = 1
        self.joined = False
        self.events_decided = 0
        self.threshold = float("nan")
        self._ailment: asyncio.Future[None] | None = None
        """Fails to end the present membership."""
        self._finished_before = 0
        """In earlier memberships."""
        self._reset()

    def _reset(self) -> None:
        """What belongs to one membership of the group."""
        self._deciding = asyncio.Lock()
        self._held = 0
        """Events polled and not decided yet."""
        self._pacing.forget()
        self._recorded: dict[Partition, dict[int, bytes]] = {}
        self._outbox = Outbox(
            self._source,
            self._queue,
            self._pacing,
            self._on_outage,
            self._unoffered,
            self._clock,
            self._metrics,
        )

    @property
    def query_fraction(self) -> float:
        """What is being asked about now, as a share of events."""
        return self._pacing.rate.fraction

    @property
    def finished(self) -> int:
        """Micro-batches durable and offered so far."""
        return self._finished_before + self._outbox.finished

    @property
    def held_up(self) -> bool:
        """Whether an outage of the desk pauses the stream."""
        return not self._pacing.open

    async def waiting(self) -> int:
        """Events not yet decided. Raises ``SourceUnavailable``."""
        return await self._source.lag() + self._held

    @property
    def unfinished(self) -> int:
        """Micro-batches decided and not yet durable and offered."""
        return self._outbox.unfinished

    def join_anew(self, reason: str) -> None:
        """Has the present membership of the group end as if its server had failed, and another begin."""
        if self._ailment is not None and not self._ailment.done():
            self._ailment.set_exception(SourceUnavailable(reason))

    def stop(self) -> None:
        """Asks ``run`` to drain and return."""
        self._stopping.set()

    async def settle(self) -> None:
        """Waits until everything decided is durable, offered and committed."""
        await self._outbox.settle()

    async def run(self) -> None:
        """Decides events until stopped; raises what makes going on pointless (``PoisonFlood``).

        When the stream's own servers fail, everything unfinished is dropped and read again from the
        committed positions.
        """
        while not self._stopping.is_set():
            try:
                await self._session()
            except SourceUnavailable as error:
                self._log.error("stream_unavailable", error=str(error), retry_seconds=RETRY_SECONDS)
                await self._unless_stopping(asyncio.sleep(RETRY_SECONDS))

    async def _session(self) -> None:
        """One membership of the group, from joining to draining."""
        self._finished_before = self.finished
        self._reset()
        self._ailment = asyncio.get_running_loop().create_future()
        parts = [
            asyncio.create_task(self._pacing.run(), name="pacing"),
            asyncio.create_task(self._outbox.finish_all(), name="finish"),
            asyncio.create_task(self._outbox.commit_all(), name="commit"),
            asyncio.create_task(self._stopping.wait(), name="stopping"),
        ]
        try:
            await self._unless_stopping(self._source.start(self))
            self.joined = True
            consume = asyncio.create_task(self._consume(), name="consume")
            parts += [consume, asyncio.create_task(self._watch_lag(), name="lag")]
            ended: list[asyncio.Future[Any]] = [*parts, self._ailment]
            done, _ = await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                await part
            await self._drain(consume)
        finally:
            self.joined = False
            await end(*parts)
            await self._source.stop()

    async def _drain(self, consume: asyncio.Task[None]) -> None:
        """Lets what is in flight finish, within bounds; the rest is redelivered."""
        with suppress(TimeoutError, SourceUnavailable):
            async with asyncio.timeout(DRAIN_SECONDS):
                await consume
                await self._outbox.settle()
        self._log.info("selector_drained", events=self.events_decided, unfinished=self._outbox.unfinished)

    # The rebalance listener

    async def on_assigned(self, positions: Mapping[Partition, int]) -> None:
        """Fetches the decisions already made beyond the committed positions."""
        for partition, position in positions.items():
            recorded = await self._when_available(partial(self._sink.recorded, partition.partition, position))
            self._recorded[partition] = dict(recorded)
        self._outbox.own(positions)
        self._log.info(
            "partitions_assigned",
            partitions=sorted(one.partition for one in positions),
            recorded=sum(len(self._recorded[one]) for one in positions),
        )

    async def on_revoked(self, partitions: Sequence[Partition]) -> None:
        """Finishes what is in flight and commits it; what can't be finished in time is left to the next
        owner, who finds its decisions recorded."""
        with suppress(TimeoutError, SourceUnavailable):
            async with asyncio.timeout(DRAIN_SECONDS), self._deciding:
                await self._outbox.settle()
        self._outbox.lose(partitions)
        for partition in partitions:
            self._recorded.pop(partition, None)
        self._log.info("partitions_revoked", partitions=sorted(one.partition for one in partitions))

    # Poll and decide

    async def _consume(self) -> None:
        while not self._stopping.is_set():
            if not await self._may_decide():
                continue
            polled = await self._source.poll(POLLED_BATCHES * self._batch_limit, POLL_SECONDS)
            tenures = self._outbox.tenures
            ours = [(partition, records) for partition, records in polled if partition in tenures]
            self._held = sum(len(records) for _, records in ours)
            async with self._deciding:
                for records in _micro_batches(ours, lambda: self._batch_limit):
                    # An outage noticed since the poll pauses what it brought as well.
                    if not await self._may_decide():
                        return
                    kept = self._still_ours(records, tenures)
                    if kept:
                        await self._decide(kept, tenures)
                    self._held -= len(records)

    async def _may_decide(self) -> bool:
        """Waits while an outage pauses the stream; false when it lasts until the order to stop."""
        if not self._pacing.open:
            await self._unless_stopping(self._pacing.may_consume())
        return self._pacing.open

    def _still_ours(self, records: Sequence[SourceRecord], tenures: Tenures) -> Sequence[SourceRecord]:
        """Less those of partitions lost since they were polled: whoever owns these now reads them again."""
        if tenures == self._outbox.tenures:
            return records
        return [one for one in records if self._outbox.lasts(Partition(one.topic, one.partition), tenures)]

    async def _unless_stopping(self, awaitable: Coroutine[object, object, None]) -> None:
        """Waits for it, or for the order to stop; raises what it raised."""
        waited, stopping = asyncio.create_task(awaitable), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([waited, stopping], return_when=asyncio.FIRST_COMPLETED)
            if waited.done():
                waited.result()
        finally:
            await end(waited, stopping)

    async def _decide(self, records: Sequence[SourceRecord], tenures: Tenures) -> None:
        positions = _positions(records)
        began = self._processor_seconds()
        known, fresh = self._already_decided(records) if self._recorded else ([], records)
        decided = self._decider.decide(fresh, self._pacing.rate)
        self._adapt(len(records), self._processor_seconds() - began)
        sent = self._clock.monotonic()
        durable = await self._sink.send(decided.decisions)
        self._metrics.stage["send"].observe(self._clock.monotonic() - sent)
        spending = self._account(decided)
        if decided.letters:
            await self._set_aside(decided)
        await self._outbox.put(durable, [*known, *decided.queries], positions, tenures, spending)
        self._note_poison(fresh, decided)
        # A breath for heartbeats, learning and HTTP between micro-batches.
        await asyncio.sleep(0)

    def _already_decided(self, records: Sequence[SourceRecord]) -> tuple[list[Query], Sequence[SourceRecord]]:
        """The queries of redelivered events as they were decided, and the records still to decide."""
        queries: list[Query] = []
        fresh: list[SourceRecord] = []
        for record in records:
            partition = Partition(record.topic, record.partition)
            recorded = self._recorded.get(partition)
            value = recorded.pop(record.offset, None) if recorded else None
            decision = None if value is None else decode_decision(value)
            # A topic made anew has other events at the same offsets.
            if decision is None or decision.event_id != self._decider.event_id(record):
                fresh.append(record)
            elif decision.query is not None:
                queries.append(decision.query)
            if recorded is not None and not recorded:
                del self._recorded[partition]
        return queries, fresh

    def _account(self, decided: Decided) -> Spending:
        self.events_decided += decided.events
        uncertain = 0
        self._metrics.events.inc(decided.events)
        for query in decided.queries:
            uncertain += query.lane not in DRAWN
            self._metrics.queries.labels(query.lane).inc()
        for rule, events in decided.rules.items():
            self._metrics.rules.labels(rule).inc(events)
        spending = Spending(uncertain, decided.explored)
        self._pacing.spent(decided.events, spending, len(decided.queries), decided.cost)
        if decided.events:
            self.threshold = decided.threshold
            self._metrics.gate_threshold.set(decided.threshold)
            self._metrics.batch_events.observe(decided.events)
        return spending

    def _adapt(self, events: int, seconds: float) -> None:
        """Micro-batches as large as fit a slice of the event loop; doubled or halved at most, as no two are
        alike."""
        fitting = int(events * SLICE_SECONDS / max(seconds, 1e-6))
        if fitting < self._batch_limit:
            self._batch_limit = max(fitting, self._batch_limit // 2, 1)
        elif events >= self._batch_limit:
            self._batch_limit = min(fitting, 2 * self._batch_limit, LARGEST_BATCH)

    async def _set_aside(self, decided: Decided) -> None:
        letters = [encode_dead_letter(letter) for letter in decided.letters]
        await self._when_available(partial(self._dead_letters.send, letters))
        for letter in decided.letters:
            self._metrics.dead_letters.labels(letter.reason).inc()
        last = decided.letters[-1]
        self._log.warning(
            "dead_letters",
            count=len(letters),
            reason=last.reason,
            detail=last.detail,
            source=str(last.source),
        )

    def _note_poison(self, records: Sequence[SourceRecord], decided: Decided) -> None:
        if not decided.letters:
            self._recent_poison.extend([False] * decided.events)
            return
        poisoned = {letter.source for letter in decided.letters}
        self._recent_poison.extend(
            Source(one.topic, one.partition, one.offset) in poisoned for one in records
        )
        poison = sum(self._recent_poison)
        if len(self._recent_poison) == POISON_WINDOW and poison * 2 > POISON_WINDOW:
            last = decided.letters[-1]
            raise PoisonFlood(
                f"{poison} of the last {POISON_WINDOW} events could not be read, the last one at "
                f"{last.source}: {last.reason}, {last.detail}. The stream is stopped, not drained into "
                "the dead letters; check [stream] in the configuration against what the producer sends."
            )

    async def _when_available(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """The call's result, however long its server is away."""
        while True:
            try:
                return await call()
            except SourceUnavailable as error:
                self._log.warning("waiting_for_server", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _watch_lag(self) -> None:
        while True:
            with suppress(SourceUnavailable):
                self._metrics.consumer_lag.set(await self.waiting())
            await asyncio.sleep(LAG_SECONDS)


def _micro_batches(
    polled: Sequence[tuple[Partition, Sequence[SourceRecord]]], limit: Callable[[], int]
) -> Iterator[Sequence[SourceRecord]]:
    """Slices of at most as many records as the limit then says; small shares of several partitions go
    together."""
    gathered: list[SourceRecord] = []
    for _, records in polled:
        start = 0
        while start < len(records):
            part = records[start : start + limit()]
            start += len(part)
            if gathered and len(gathered) + len(part) > limit():
                yield gathered
                gathered = []
            gathered = [*gathered, *part]
    if gathered:
        yield gathered


def _positions(records: Sequence[SourceRecord]) -> dict[Partition, int]:
    """The next offset of each partition once these records, grouped by partition, are done."""
    first, last = records[0], records[-1]
    if (first.topic, first.partition) == (last.topic, last.partition):
        return {Partition(last.topic, last.partition): last.offset + 1}
    return {Partition(one.topic, one.partition): one.offset + 1 for one in records}
