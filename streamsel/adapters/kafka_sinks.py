"""Where records go on Kafka: decisions, dead letters, and events that came over HTTP."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence
from struct import Struct

import xxhash
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from streamsel.adapters.decision_tail import DecisionTail
from streamsel.adapters.kafka import KafkaCluster, kafka_errors_as
from streamsel.adapters.kafka_producer import Delivery, KafkaProducer
from streamsel.ports import OutgoingDecisions, SourceUnavailable
from streamsel.records import Source

_SOURCE_OFFSET = Struct(">q")
"""The key of a decision: the offset of its event, eight bytes, big-endian."""

_READ_SECONDS = 10.0
_DELIVERY_SECONDS = 10.0


class KafkaDecisionSink:
    """Decisions by partition, in whole batches; the key of each is the offset of its event.

    While the broker is away ``send`` waits, and what was handed over is delivered in order once it is
    back. When a delivery fails, so does everything handed over after it: send it all again, in order.
    """

    def __init__(self, cluster: KafkaCluster, topic: str) -> None:
        self._cluster = cluster
        self._topic = topic
        self._producer = KafkaProducer(cluster)

    async def send(self, decisions: Sequence[OutgoingDecisions]) -> Awaitable[None]:
        """See ``DecisionSink``."""
        deliveries: list[Delivery] = []
        with kafka_errors_as(SourceUnavailable, f"sending to {self._topic}"):
            for share in decisions:
                keys = map(_SOURCE_OFFSET.pack, share.offsets)
                records = list(zip(keys, share.values, strict=True))
                deliveries += await self._producer.enqueue(self._topic, share.partition, records)
        return asyncio.ensure_future(_all_delivered(self._topic, deliveries))

    async def recorded(self, partition: int, since: int) -> Mapping[int, bytes]:
        """See ``DecisionSink``. Reads the end of the partition backwards; see ``DecisionTail``.

        What this sink still has under way is waited for, so that it is found too.
        """
        await self._producer.settle()
        place = TopicPartition(self._topic, partition)
        with kafka_errors_as(SourceUnavailable, f"reading the end of {self._topic}/{partition}"):
            reader = self._cluster.consumer(group_id=None, auto_offset_reset="earliest")
            reader.assign([place])
            try:
                await reader.start()
                async with asyncio.timeout(_READ_SECONDS):
                    first = (await reader.beginning_offsets([place]))[place]
                    end = (await reader.end_offsets([place]))[place]
                tail = DecisionTail(since, first, end)
                while (chunk := tail.next_chunk()) is not None:
                    tail.take(chunk, await _read(reader, place, chunk))
                return tail.decisions
            finally:
                await reader.stop()

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

    async def append(self, values: Sequence[bytes]) -> Sequence[Source]:
        """See ``EventIntake``."""
        return await _spread(self._producer, self._topic, values)

    async def close(self) -> None:
        await self._producer.close()


async def _spread(producer: KafkaProducer, topic: str, values: Sequence[bytes]) -> list[Source]:
    """Sends each value to the partition it hashes to, and returns where each is once all are durable."""
    with kafka_errors_as(SourceUnavailable, f"sending to {topic}"):
        async with asyncio.timeout(_DELIVERY_SECONDS):
            partitions = await producer.partitions(topic)
            placed: dict[int, list[int]] = defaultdict(list)
            for index, value in enumerate(values):
                placed[xxhash.xxh3_64_intdigest(value) % partitions].append(index)
            deliveries = {
                partition: await producer.enqueue(
                    topic, partition, [(None, values[index]) for index in indices]
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


async def _all_delivered(topic: str, deliveries: Sequence[Delivery]) -> None:
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
