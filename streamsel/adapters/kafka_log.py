"""Logs on Kafka: one partition read from any offset, the audit log, and the label log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError, OffsetOutOfRangeError

from streamsel.adapters.kafka import ANSWER_SECONDS, KafkaCluster, kafka_errors_as, log, stop_consumer
from streamsel.adapters.kafka_producer import KafkaProducer
from streamsel.adapters.record_sizes import check_sizes
from streamsel.ports import RecordTooLarge, SourceUnavailable, TopicRefused
from streamsel.review.refusals import LabelLogRefused, LabelLogUnreachable

_STALL_SECONDS = 10.0
"""How long a consumer may bring nothing of what is known to be there."""


class KafkaLogReader:
    """Reads one partition, without a consumer group.

    Every reader that follows the log at its own pace gets its own connection: a call takes the idle one
    that stands where it wants to read, or any, or a new one. An aiokafka consumer may stand still for ever,
    and say nothing (aiokafka issue 1154): one that brings nothing of what is there is given up.
    """

    _unreachable: type[Exception] = SourceUnavailable

    def __init__(
        self, cluster: KafkaCluster, topic: str, partition: int = 0, *, from_first: bool = True
    ) -> None:
        """``from_first``: a start before the first record there still is reads from that one; without it,
        such a start is refused."""
        self._cluster = cluster
        self._place = TopicPartition(topic, partition)
        self._from_first = from_first
        self._idle: dict[int, list[AIOKafkaConsumer]] = {}
        self._quiet: WeakKeyDictionary[AIOKafkaConsumer, tuple[float, int]] = WeakKeyDictionary()
        """Of consumers that bring nothing: when it was last looked where the log ends, and where."""

    async def read(self, start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        """See ``LogReader``. Raises ``TopicRefused`` when the log does not reach ``start``."""
        async with self._consumer(start) as consumer, asyncio.timeout(wait_seconds + ANSWER_SECONDS):
            try:
                fetched = await consumer.getmany(timeout_ms=int(wait_seconds * 1000), max_records=max_records)
            except OffsetOutOfRangeError:
                consumer.seek(self._place, await self._nearest(consumer, start))
                fetched = await consumer.getmany(timeout_ms=int(wait_seconds * 1000), max_records=max_records)
            records = fetched.get(self._place, ())
            if records:
                self._quiet.pop(consumer, None)
            else:
                await self._watch(consumer, start)
            return [(record.offset, record.value or b"") for record in records]

    async def beginning(self) -> int:
        """See ``LogReader``."""
        async with self._consumer(None) as consumer, asyncio.timeout(ANSWER_SECONDS):
            return int((await consumer.beginning_offsets([self._place]))[self._place])

    async def end(self) -> int:
        """The offset the next record will get."""
        async with self._consumer(None) as consumer, asyncio.timeout(ANSWER_SECONDS):
            ends = await consumer.end_offsets([self._place])
            return int(ends[self._place])

    async def close(self) -> None:
        idle = [consumer for standing in self._idle.values() for consumer in standing]
        self._idle.clear()
        for consumer in idle:
            await stop_consumer(consumer)

    async def _watch(self, consumer: AIOKafkaConsumer, start: int) -> None:
        """Raises ``KafkaTimeoutError`` for one that has long brought nothing, and should have."""
        now = asyncio.get_running_loop().time()
        looked_at, end = self._quiet.get(consumer, (-_STALL_SECONDS, 0))
        if now - looked_at < _STALL_SECONDS:
            return
        if end > start:
            topic = self._place.topic
            log.error("reader_stalled", topic=topic, partition=self._place.partition, offset=start, end=end)
            self._cluster.stalled(topic)
            raise KafkaTimeoutError(f"records wait and none come from offset {start} on")
        self._quiet[consumer] = now, (await consumer.end_offsets([self._place]))[self._place]

    async def _nearest(self, consumer: AIOKafkaConsumer, start: int) -> int:
        first = (await consumer.beginning_offsets([self._place]))[self._place]
        if self._from_first and start < first:
            return int(first)
        end = (await consumer.end_offsets([self._place]))[self._place]
        raise TopicRefused(
            f"{self._place.topic}/{self._place.partition} holds offsets {first} to {end} and not {start}:"
            " records were deleted, or the topic was made anew"
        )

    @asynccontextmanager
    async def _consumer(self, start: int | None) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer for one call, standing at ``start`` if one is given."""
        with kafka_errors_as(self._unreachable, f"reading {self._place.topic}/{self._place.partition}"):
            consumer = self._take_idle(start) or await self._connect()
            try:
                if start is not None and await consumer.position(self._place) != start:
                    consumer.seek(self._place, start)
                yield consumer
                position = await consumer.position(self._place)
            except BaseException:
                await stop_consumer(consumer)
                raise
            self._idle.setdefault(position, []).append(consumer)

    def _take_idle(self, start: int | None) -> AIOKafkaConsumer | None:
        if not self._idle:
            return None
        position = start if start in self._idle else next(iter(self._idle))
        standing = self._idle[position]
        consumer = standing.pop()
        if not standing:
            del self._idle[position]
        return consumer

    async def _connect(self) -> AIOKafkaConsumer:
        consumer = await self._cluster.reader(self._place, auto_offset_reset="none", fetch_max_wait_ms=100)
        consumer.seek(self._place, 0)
        return consumer


class KafkaKeptLog(KafkaLogReader):
    """A log that is kept for ever, such as the audit log: one partition, acks=all, idempotent; concurrent
    appends share a request."""

    def __init__(
        self, cluster: KafkaCluster, topic: str, *, delivery_seconds: float = 10.0, whole: bool = True
    ) -> None:
        """``whole``: a reader must not miss any record, so one that was deleted is told."""
        super().__init__(cluster, topic, from_first=not whole)
        self._producer = KafkaProducer(cluster)
        self._delivery_seconds = delivery_seconds

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        """See ``AuditLog``. Waits for the broker no longer than ``delivery_seconds``."""
        topic = self._place.topic
        check_sizes(topic, records)
        with kafka_errors_as(self._unreachable, f"appending to {topic}"):
            producer = None
            try:
                async with asyncio.timeout(self._delivery_seconds):
                    producer = await self._producer.started()
                    return await self._deliver(producer, records)
            except TimeoutError:
                # It may have stalled; another one soon finds out whether the broker is there.
                if producer is not None:
                    await self._producer.replace(producer)
                raise

    async def close(self) -> None:
        await self._producer.close()
        await super().close()

    async def _deliver(self, producer: AIOKafkaProducer, records: Sequence[bytes]) -> Sequence[int]:
        try:
            deliveries = [
                await producer.send(self._place.topic, record, partition=self._place.partition)
                for record in records
            ]
            appended = await asyncio.gather(*deliveries)
        except MessageSizeTooLargeError as error:
            await self._producer.replace(producer)
            raise RecordTooLarge(f"the broker's limit for {self._place.topic} is smaller: {error}") from error
        except KafkaError:
            await self._producer.replace(producer)
            raise
        offsets = [metadata.offset for metadata in appended]
        if min(offsets, default=0) < 0:
            raise KafkaError("the broker has the records and no longer knows their offsets")
        return offsets


class KafkaLabelLog(KafkaKeptLog):
    """The label log."""

    _unreachable = LabelLogUnreachable

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        """See ``LabelLog``."""
        try:
            return await super().append(records)
        except RecordTooLarge as error:
            raise LabelLogRefused(str(error)) from error
