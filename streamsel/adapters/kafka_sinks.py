"""Where records go on Kafka: decisions, dead letters, and events that came over HTTP."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from functools import partial
from struct import Struct

import xxhash
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from streamsel.adapters.decision_tail import DecisionTail
from streamsel.adapters.kafka import KafkaCluster, kafka_errors_as, stop_consumer
from streamsel.adapters.kafka_producer import Headers, KafkaProducer
from streamsel.adapters.record_sizes import check_sizes
from streamsel.codec.trace_context import HEADER
from streamsel.ports import OutgoingDecisions, SourceUnavailable, TopicRefused
from streamsel.records import Source

_SOURCE_OFFSET = Struct(">q")
"""The key of a decision: the offset of its event, eight bytes, big-endian."""

_READ_SECONDS = 10.0
_DELIVERY_SECONDS = 10.0


class KafkaDecisionSink:
    """Decisions by partition, in whole batches; the key of each is the offset of its event.

    While the broker is away what was handed over waits, and is delivered in order once it is back. When a
    delivery fails, so does everything handed over after it: send it all again, in order.
    """

    def __init__(self, cluster: KafkaCluster, topic: str) -> None:
        self._cluster = cluster
        self._topic = topic
        self._producer = KafkaProducer(cluster)
        self._ways: dict[int, _WayOut] = {}

    async def send(self, decisions: Sequence[OutgoingDecisions]) -> Awaitable[None]:
        """See ``DecisionSink``."""
        for share in decisions:
            check_sizes(self._topic, share.values)
        deliveries = []
        for share in decisions:
            way = self._ways.get(share.partition)
            if way is None:
                way = self._ways[share.partition] = _WayOut(self._producer, self._topic, share.partition)
            deliveries.append(
                way.put(zip(map(_SOURCE_OFFSET.pack, share.offsets), share.values, strict=True))
            )
        if len(deliveries) == 1:
            return deliveries[0]
        return asyncio.ensure_future(_all_delivered(self._topic, deliveries))

    async def recorded(self, partition: int, since: int) -> Mapping[int, bytes]:
        """See ``DecisionSink``. Reads the end of the partition backwards; see ``DecisionTail``.

        What this sink still has under way is waited for, so that it is found too.
        """
        await asyncio.gather(*(way.settle() for way in self._ways.values()))
        await self._producer.settle()
        place = TopicPartition(self._topic, partition)
        with kafka_errors_as(SourceUnavailable, f"reading the end of {self._topic}/{partition}"):
            reader = await self._cluster.reader(place, auto_offset_reset="earliest")
            try:
                if partition not in (reader.partitions_for_topic(self._topic) or ()):
                    raise TopicRefused(
                        f"{self._topic} has no partition {partition}, and the events have: kafka-topics.sh"
                        f" --alter --topic {self._topic} --partitions {partition + 1}"
                    )
                async with asyncio.timeout(_READ_SECONDS):
                    first = (await reader.beginning_offsets([place]))[place]
                    end = (await reader.end_offsets([place]))[place]
                tail = DecisionTail(since, first, end)
                while (chunk := tail.next_chunk()) is not None:
                    tail.take(chunk, await _read(reader, place, chunk))
                return tail.decisions
            finally:
                await stop_consumer(reader)

    async def close(self) -> None:
        await self._producer.close()


class KafkaDeadLetterSink:
    """Dead letters, spread over however many partitions the topic has."""

    def __init__(self, cluster: KafkaCluster, topic: str) -> None:
        self._topic = topic
        self._producer = KafkaProducer(cluster)

    async def send(self, letters: Sequence[bytes]) -> None:
        """See ``DeadLetterSink``."""
        await _spread(self._producer, self._topic, letters)

    async def close(self) -> None:
        await self._producer.close()


class KafkaEventIntake:
    """Events, each to the partition its bytes hash to, so that one sent twice stays in its place."""

    def __init__(self, cluster: KafkaCluster, topic: str) -> None:
        self._topic = topic
        self._producer = KafkaProducer(cluster)

    async def append(self, values: Sequence[bytes], traceparent: str | None = None) -> Sequence[Source]:
        """See ``EventIntake``. A header of each record has its trace."""
        trace = None if traceparent is None else [(HEADER, traceparent.encode())]
        return await _spread(self._producer, self._topic, values, trace)

    async def close(self) -> None:
        await self._producer.close()


async def _spread(
    producer: KafkaProducer, topic: str, values: Sequence[bytes], headers: Headers | None = None
) -> list[Source]:
    """Sends each value to the partition it hashes to, and returns where each is once all are durable."""
    check_sizes(topic, values)
    with kafka_errors_as(SourceUnavailable, f"sending to {topic}"):
        async with asyncio.timeout(_DELIVERY_SECONDS):
            partitions = await producer.partitions(topic)
            placed: dict[int, list[int]] = defaultdict(list)
            for index, value in enumerate(values):
                placed[xxhash.xxh3_64_intdigest(value) % partitions].append(index)
            deliveries = {
                partition: await producer.enqueue(
                    topic, partition, [(None, values[index]) for index in indices], headers
                )
                for partition, indices in placed.items()
            }
            sources: dict[int, Source] = {}
            for partition, indices in placed.items():
                batches = await asyncio.gather(*deliveries[partition])
                offsets = [offset for batch in batches for offset in batch]
                for index, offset in zip(indices, offsets, strict=True):
                    sources[index] = Source(topic, partition, offset)
            return [sources[index] for index in range(len(values))]


class _WayOut:
    """One partition's way to the broker, which takes one batch at a time: what gathers meanwhile goes with
    the next, so that batches grow with the load."""

    def __init__(self, producer: KafkaProducer, topic: str, partition: int) -> None:
        self._producer = producer
        self._topic = topic
        self._partition = partition
        self._waiting: list[tuple[bytes | None, bytes]] = []
        self._next: asyncio.Future[None] | None = None
        self._carrying: asyncio.Task[None] | None = None

    def put(self, records: Iterable[tuple[bytes, bytes]]) -> Awaitable[None]:
        """Done once these are durable; raises ``SourceUnavailable``."""
        self._waiting.extend(records)
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        if self._carrying is None or self._carrying.done():
            self._carrying = asyncio.create_task(self._carry())
        return self._next

    async def settle(self) -> None:
        """Returns once nothing waits; what is with the producer may still be under way."""
        if self._carrying is not None:
            await asyncio.wait([self._carrying])

    async def _carry(self) -> None:
        while self._next is not None:
            records, delivered = self._waiting, self._next
            self._waiting, self._next = [], None
            try:
                with kafka_errors_as(SourceUnavailable, f"sending to {self._topic}"):
                    deliveries = await self._producer.enqueue(self._topic, self._partition, records)
            except SourceUnavailable as error:
                _fail(delivered, error)
                if self._next is not None:
                    _fail(self._next, error)
                self._waiting, self._next = [], None
                return
            confirmed = asyncio.ensure_future(_all_delivered(self._topic, deliveries))
            confirmed.add_done_callback(partial(_pass_on, delivered))


def _pass_on(delivered: asyncio.Future[None], confirmed: asyncio.Future[None]) -> None:
    if delivered.done():
        return
    if confirmed.cancelled():
        delivered.cancel()
    elif (error := confirmed.exception()) is not None:
        _fail(delivered, error)
    else:
        delivered.set_result(None)


def _fail(delivered: asyncio.Future[None], error: BaseException) -> None:
    if not delivered.done():
        delivered.set_exception(error)
        delivered.exception()  # whoever waits is told; nobody may be waiting any more


async def _all_delivered(topic: str, deliveries: Sequence[Awaitable[object]]) -> None:
    with kafka_errors_as(SourceUnavailable, f"sending to {topic}"):
        await asyncio.gather(*deliveries)


async def _read(reader: AIOKafkaConsumer, place: TopicPartition, chunk: range) -> list[tuple[int, bytes]]:
    """Source offset and value of the records at these log offsets, in their order; less what is no more."""
    reader.seek(place, chunk.start)
    position = chunk.start
    records: list[tuple[int, bytes]] = []
    while position < chunk.stop:
        fetched = (await reader.getmany(place, timeout_ms=int(_READ_SECONDS * 1000))).get(place, ())
        records += [(_source_offset(r.key), r.value or b"") for r in fetched if r.offset < chunk.stop]
        before, position = position, await reader.position(place)
        if position == before:
            raise KafkaTimeoutError(f"nothing came from offset {position} on")
    return records


def _source_offset(key: bytes | None) -> int:
    """-1 for a record that is none of ours."""
    return int(_SOURCE_OFFSET.unpack(key)[0]) if key is not None and len(key) == _SOURCE_OFFSET.size else -1
