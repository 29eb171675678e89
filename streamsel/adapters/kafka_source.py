"""Events from a Kafka topic, as a member of a consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from streamsel.adapters.kafka import KafkaCluster, kafka_errors_as, stop_consumer
from streamsel.adapters.kafka_records import slim
from streamsel.adapters.poll_gate import PollGate
from streamsel.ports import RebalanceListener, SourceRecord, SourceUnavailable
from streamsel.records import Partition
from streamsel.services.ending import end

log = structlog.get_logger()

_NEVER_MS = 2**31 - 1
"""aiokafka leaves the group when nobody has polled for max_poll_interval_ms. Whoever pauses the stream for
hours, because the desk is away, still owns its partitions: heartbeats alone say that we live."""

_FETCH_BYTES = 1_048_576
"""Of a partition. The next fetch is under way while this one is decided; larger ones cost the processor's
caches more than they save in answers."""

_ANSWER_SECONDS = 10.0


class KafkaEventSource:
    """One member of consumer group ``group``; commits only what it is told to.

    A member that dies is missed after ``session_seconds``. A rebalance waits ``rebalance_seconds`` for
    every member to finish what it has in hand. When no record has come for ``stall_seconds`` though some
    wait, a rebalance does not end, or the broker does not answer, ``poll`` raises ``SourceUnavailable``;
    ``stop`` and ``start`` again then help: an aiokafka consumer can end so when a broker restarts, with
    nothing else to show for it (aiokafka issue 1154).

    The listener is called from tasks of this source, never from within ``poll``.
    """

    def __init__(
        self,
        cluster: KafkaCluster,
        topic: str,
        group: str,
        *,
        session_seconds: float = 10.0,
        rebalance_seconds: float = 30.0,
        stall_seconds: float = 10.0,
    ) -> None:
        self._cluster = cluster
        self._topic = topic
        self._group = group
        self._session_ms = int(session_seconds * 1000)
        self._rebalance_seconds = rebalance_seconds
        self._stall_seconds = stall_seconds
        self._consumer: AIOKafkaConsumer | None = None
        self._watching: asyncio.Task[None] | None = None
        self._taking_over: asyncio.Task[None] | None = None
        self._listener: RebalanceListener

    async def start(self, listener: RebalanceListener) -> None:
        """Joins the group. Raises ``SourceUnavailable``. May be called again after ``stop``."""
        self._listener = listener
        self._gate = PollGate()
        self._owned: Sequence[Partition] = ()
        self._given_up_at: float | None = None
        self._hungry = False
        self._behind: Mapping[TopicPartition, int] = {}
        self._unanswered = False
        self._consumer = consumer = self._cluster.consumer(
            group_id=self._group,
            auto_offset_reset="earliest",
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 10,
            rebalance_timeout_ms=int(self._rebalance_seconds * 1000),
            max_poll_interval_ms=_NEVER_MS,
            # A partition that was just emptied is asked for again when the request under way is answered.
            fetch_max_wait_ms=20,
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        consumer.subscribe([self._topic], listener=_Rebalance(self))
        with kafka_errors_as(SourceUnavailable, f"joining group {self._group}"):
            await consumer.start()
        slim(consumer)
        self._watching = asyncio.create_task(self._watch())

    async def poll(
        self, max_records: int, wait_seconds: float
    ) -> Sequence[tuple[Partition, Sequence[SourceRecord]]]:
        """See ``EventSource``."""

        async def fetch() -> Mapping[TopicPartition, Sequence[SourceRecord]]:
            fetched: Mapping[TopicPartition, Sequence[SourceRecord]] = await self._joined().getmany(
                timeout_ms=int(wait_seconds * 1000), max_records=max_records
            )
            self._hungry = self._hungry or sum(map(len, fetched.values())) < max_records
            return fetched

        with kafka_errors_as(SourceUnavailable, f"reading {self._topic}"):
            fetched = await self._gate.poll(wait_seconds, fetch)
        return [(Partition(*place), records) for place, records in (fetched or {}).items()]

    async def commit(self, positions: Mapping[Partition, int]) -> None:
        """See ``EventSource``. The broker refuses it from a member it no longer knows."""
        consumer = self._joined()
        owned = consumer.assignment()
        offsets = {TopicPartition(*place): offset for place, offset in positions.items() if place in owned}
        if not offsets:
            return
        with kafka_errors_as(SourceUnavailable, f"committing to {self._topic}"):
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError):
                log.info("commit_fenced", topic=self._topic, positions=str(dict(positions)))

    async def lag(self) -> int:
        """See ``EventSource``."""
        with kafka_errors_as(SourceUnavailable, f"measuring the lag of {self._topic}"):
            return sum(end - position for position, end in (await self._progress()).values())

    async def stop(self) -> None:
        """Leaves the group at once, so that others need not wait for the session to end."""
        await end(*(task for task in (self._watching, self._taking_over) if task is not None))
        self._watching = self._taking_over = None
        if self._consumer is not None:
            await stop_consumer(self._consumer)
            self._consumer = None

    async def revoked(self) -> None:
        """Has the listener finish with what it owns; heartbeats go on meanwhile."""
        self._gate.close()
        self._given_up_at = asyncio.get_running_loop().time()
        if self._taking_over is not None:
            await asyncio.wait([self._taking_over])
        owned, self._owned = self._owned, ()
        try:
            if owned:
                await self._listener.on_revoked(owned)
        except Exception as error:
            log.exception("rebalance_failed", topic=self._topic)
            self._gate.fail(error)

    def assigned(self, places: Collection[TopicPartition]) -> None:
        """Has the listener take these over, in a task: no heartbeat is sent until this returns."""
        self._given_up_at = None
        self._taking_over = asyncio.create_task(self._take_over(places))

    async def _take_over(self, places: Collection[TopicPartition]) -> None:
        try:
            with kafka_errors_as(SourceUnavailable, f"finding positions in {self._topic}"):
                consumer = self._joined()
                positions = {Partition(*place): await consumer.position(place) for place in sorted(places)}
            if positions:
                self._owned = tuple(positions)
                await self._listener.on_assigned(positions)
            # What was given up meanwhile is the next assignment's: polled before it, it would be nobody's.
            if self._given_up_at is None:
                self._gate.open()
        except Exception as error:
            log.exception("rebalance_failed", topic=self._topic)
            self._gate.fail(error)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._stall_seconds)
            ailment = await self._ailment()
            if ailment is not None:
                log.error("consumer_stalled", topic=self._topic, group=self._group, detail=ailment)
                self._cluster.stalled(self._topic)
                self._gate.fail(SourceUnavailable(f"reading {self._topic}: {ailment}"))

    async def _ailment(self) -> str | None:
        """What is wrong with the consumer, if anything."""
        if self._given_up_at is not None:
            waited = asyncio.get_running_loop().time() - self._given_up_at
            return "a rebalance does not end" if waited > 2 * self._rebalance_seconds else None
        if not self._gate.is_open:
            return None
        hungry, self._hungry = self._hungry, False
        before, self._behind = self._behind, {}
        try:
            progress = await self._progress()
        except (KafkaError, OSError):
            # Once may be a broker that is just away; aiokafka can take it for alive far longer.
            before_as_well, self._unanswered = self._unanswered, True
            return "the broker does not answer" if before_as_well else None
        self._unanswered = False
        self._behind = {place: position for place, (position, end) in progress.items() if position < end}
        stalled = [place for place, position in self._behind.items() if before.get(place) == position]
        return f"records wait and none come from {stalled}" if hungry and stalled else None

    async def _progress(self) -> dict[TopicPartition, tuple[int, int]]:
        """Position and end of each partition owned."""
        consumer = self._joined()
        async with asyncio.timeout(_ANSWER_SECONDS):
            ends = await consumer.end_offsets(list(consumer.assignment()))
            return {place: (await consumer.position(place), end) for place, end in ends.items()}

    def _joined(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise SourceUnavailable(f"{self._topic}: not started")
        return self._consumer


class _Rebalance(ConsumerRebalanceListener):
    def __init__(self, source: KafkaEventSource) -> None:
        self._source = source

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002
        await self._source.revoked()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._source.assigned(assigned)
