"""A run's events, decisions, labels and dead letters, seen by clients that know nothing of streamsel."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from redis import Redis

PARTITIONS = 2
_QUIET = {"log_level": 0, "error_cb": lambda _: None}
"""While a broker is away there is nothing new to be said about it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a log."""

    partition: int
    offset: int
    value: bytes

    @property
    def content(self) -> dict[str, Any]:
        """The JSON object it is."""
        content: dict[str, Any] = orjson.loads(self.value)
        return content


class Streams(ABC):
    """The logs of one run, under a prefix of its own."""

    @property
    @abstractmethod
    def sections(self) -> Mapping[str, Mapping[str, object]]:
        """What ``streamsel.toml`` must say for a service to use these."""

    @abstractmethod
    async def records(self, log: str) -> list[Record]:
        """All records of ``events``, ``decisions``, ``labels`` or ``dead-letters``, in order by partition."""

    @abstractmethod
    async def count(self, log: str) -> int:
        """How many records the log holds."""

    @abstractmethod
    async def committed(self) -> dict[int, int]:
        """The committed position of each event partition that has one."""

    async def fully_committed(self) -> bool:
        """Whether every event is behind its partition's committed position."""
        ends: dict[int, int] = {}
        for event in await self.records("events"):
            ends[event.partition] = event.offset + 1
        return await self.committed() == ends


class KafkaStreams(Streams):
    """Topics, by librdkafka."""

    def __init__(self, bootstrap_servers: str, prefix: str, session_seconds: float) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._prefix = f"{prefix}."
        self._group = prefix
        self._session_seconds = session_seconds

    @property
    def sections(self) -> Mapping[str, Mapping[str, object]]:
        return {
            "kafka": {
                "bootstrap_servers": self.bootstrap_servers,
                "prefix": self._prefix,
                "group": self._group,
                "partitions": PARTITIONS,
                "session_seconds": self._session_seconds,
            }
        }

    def topic(self, log: str) -> str:
        """Its full name."""
        return self._prefix + log

    async def records(self, log: str) -> list[Record]:
        return await asyncio.to_thread(self._records, log)

    async def count(self, log: str) -> int:
        return await asyncio.to_thread(self._count, log)

    async def committed(self) -> dict[int, int]:
        return await asyncio.to_thread(self._committed)

    async def produce(self, values: Sequence[bytes]) -> None:
        """Puts events into the stream, by key as an outside producer does; durable on return."""
        await asyncio.to_thread(self._produce, values)

    def ends(self, log: str) -> dict[int, int]:
        """Where each partition ends. Raises ``KafkaException`` while the broker is away."""
        with closing(self._consumer()) as consumer:
            return {part: end for part, (_, end) in self._spans(consumer, log).items()}

    def _consumer(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "group.id": self._group,
                "enable.auto.commit": False,
            }
            | _QUIET
        )

    def _records(self, log: str) -> list[Record]:
        records: list[Record] = []
        with closing(self._consumer()) as consumer:
            spans = self._spans(consumer, log)
            wanted = sum(end - first for first, end in spans.values())
            consumer.assign(
                [TopicPartition(self.topic(log), part, first) for part, (first, _) in spans.items()]
            )
            while len(records) < wanted:
                messages = consumer.consume(min(wanted - len(records), 1_000), timeout=10.0)
                assert messages, f"{log}: {len(records)} records of {wanted}"
                for message in messages:
                    assert message.error() is None, message.error()
                    partition, offset = message.partition(), message.offset()
                    assert partition is not None
                    assert offset is not None
                    records.append(Record(partition, offset, bytes(message.value() or b"")))
        records.sort(key=lambda record: (record.partition, record.offset))
        return records

    def _count(self, log: str) -> int:
        with closing(self._consumer()) as consumer:
            return sum(end - first for first, end in self._spans(consumer, log).values())

    def _spans(self, consumer: Consumer, log: str) -> dict[int, tuple[int, int]]:
        topic = consumer.list_topics(self.topic(log), timeout=10.0).topics[self.topic(log)]
        return {
            part: _watermarks(consumer, TopicPartition(self.topic(log), part)) for part in topic.partitions
        }

    def _committed(self) -> dict[int, int]:
        places = [TopicPartition(self.topic("events"), part) for part in range(PARTITIONS)]
        with closing(self._consumer()) as consumer:
            return {one.partition: one.offset for one in consumer.committed(places, 10.0) if one.offset >= 0}

    def _produce(self, values: Sequence[bytes]) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap_servers, "acks": "all"} | _QUIET)
        for value in values:
            producer.produce(self.topic("events"), value, key=value[:40])
        assert producer.flush(20.0) == 0


def _watermarks(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """The first and the next offset; a broker that has just come back may not lead its partitions yet."""
    deadline = time.monotonic() + 10.0
    while True:
        try:
            first, end = consumer.get_watermark_offsets(place, timeout=10.0)
        except KafkaException as error:
            unsettled = error.args[0].code() in (
                KafkaError.NOT_LEADER_FOR_PARTITION,
                KafkaError.LEADER_NOT_AVAILABLE,
            )
            if not unsettled or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return first, end


class RedisStreams(Streams):
    """Streams, by redis-py."""

    def __init__(self, url: str, prefix: str, session_seconds: float) -> None:
        self._prefix = prefix
        self._session_seconds = session_seconds
        self._client: Any = Redis.from_url(url)

    @property
    def sections(self) -> Mapping[str, Mapping[str, object]]:
        return {"kafka": {"partitions": PARTITIONS, "session_seconds": self._session_seconds}}

    async def records(self, log: str) -> list[Record]:
        return [
            Record(partition, int(name.split(b"-")[1]) - 1, fields[b"v"])
            for partition, key in self._keys(log)
            for name, fields in self._client.xrange(key)
        ]

    async def count(self, log: str) -> int:
        return sum(self._client.xlen(key) for _, key in self._keys(log))

    async def committed(self) -> dict[int, int]:
        positions = self._client.hgetall(f"{{{self._prefix}}}:group:streamsel:positions")
        return {int(partition): int(position) for partition, position in positions.items()}

    def _keys(self, log: str) -> list[tuple[int, str]]:
        names = (
            [log] if log in ("labels", "dead-letters") else [f"{log}:{part}" for part in range(PARTITIONS)]
        )
        return [(part, f"{{{self._prefix}}}:{name}") for part, name in enumerate(names)]
