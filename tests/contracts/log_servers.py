"""Everything the log ports are made of, on either kind of server, for one test."""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol, Self, TypeVar

import pytest
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import TopicPartition

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.kafka import KafkaCluster
from streamsel.adapters.kafka_log import KafkaKeptLog, KafkaLabelLog, KafkaLogReader
from streamsel.adapters.kafka_sinks import KafkaDeadLetterSink, KafkaDecisionSink, KafkaEventIntake
from streamsel.adapters.kafka_source import KafkaEventSource
from streamsel.adapters.kafka_topics import KafkaTopics, ensure_topics
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.adapters.redis_streams import RedisStreams, ensure_streams, id_at
from streamsel.adapters.redis_streams_log import RedisKeptLog, RedisLabelLog, RedisLogReader
from streamsel.adapters.redis_streams_sinks import RedisDeadLetterSink, RedisDecisionSink, RedisEventIntake
from streamsel.adapters.redis_streams_source import RedisEventSource
from streamsel.ports import (
    AuditLog,
    DeadLetterSink,
    DecisionSink,
    EventIntake,
    EventSource,
    LabelLog,
    LogReader,
    SourceRecord,
)
from streamsel.records import Partition
from tests.servers import KAFKA_VARIABLE, GivenKafka

PARTITIONS = 2


class Closable(Protocol):
    async def close(self) -> None: ...


Part = TypeVar("Part", bound=Closable)


class LogServers(ABC):
    """One server, one prefix, two partitions; closes what it made."""

    session_seconds: float
    """A member that died is missed after this."""

    def __init__(self) -> None:
        self.stack = AsyncExitStack()

    @property
    @abstractmethod
    def address(self) -> Sequence[str]:
        """What ``connected`` needs to find these logs from another process."""

    @abstractmethod
    def prepared(self) -> AbstractAsyncContextManager[Self]:
        """With topics or streams made, and what was made closed in the end."""

    @abstractmethod
    def source(self) -> EventSource:
        """A member of the group; stopped by the test, or by ``running``."""

    @abstractmethod
    def intake(self) -> EventIntake: ...

    @abstractmethod
    def decisions(self) -> DecisionSink: ...

    @abstractmethod
    def decision_reader(self, partition: int) -> LogReader: ...

    @abstractmethod
    def dead_letters(self) -> DeadLetterSink: ...

    @abstractmethod
    def dead_letter_reader(self) -> LogReader: ...

    @abstractmethod
    def labels(self) -> LabelLog: ...

    @abstractmethod
    def audit(self) -> AuditLog: ...

    @abstractmethod
    async def truncate_labels(self, before: int) -> None:
        """Deletes the records before an offset, as somebody's retention would."""

    @abstractmethod
    async def truncate_decisions(self, partition: int, before: int) -> None:
        """Deletes the decisions before that record of the partition."""

    @abstractmethod
    def kill(self) -> None:
        """Ends the server as a power cut would. The test starts it again."""

    @abstractmethod
    async def start(self) -> None:
        """Starts it again, with its data."""

    @abstractmethod
    async def events(self, partition: int, values: Sequence[bytes]) -> None:
        """Puts events into one partition, as an outside client does."""

    def closing(self, part: Part) -> Part:
        self.stack.push_async_callback(part.close)
        return part

    @asynccontextmanager
    async def running(self, source: EventSource, listener: Ownership) -> AsyncIterator[EventSource]:
        """A member that has joined and leaves in the end."""
        try:
            await source.start(listener)
            yield source
        finally:
            await source.stop()


class KafkaServers(LogServers):
    # The least that a broker takes whose settings are not ours.
    session_seconds = 6.0 if KAFKA_VARIABLE in os.environ else 1.5

    def __init__(
        self, bootstrap_servers: str, prefix: str, broker: LocalKafka | GivenKafka | None = None
    ) -> None:
        super().__init__()
        self.broker = broker
        self.cluster = KafkaCluster(bootstrap_servers)
        self.topics = KafkaTopics.under(f"{prefix}.")
        self.group = prefix

    @asynccontextmanager
    async def prepared(self) -> AsyncIterator[Self]:
        await ensure_topics(self.cluster, self.topics, partitions=PARTITIONS)
        async with self.stack:
            yield self

    @property
    def address(self) -> Sequence[str]:
        return ("kafka", self.cluster.bootstrap_servers, self.group)

    def source(self) -> KafkaEventSource:
        return KafkaEventSource(
            self.cluster,
            self.topics.events,
            self.group,
            session_seconds=self.session_seconds,
            stall_seconds=0.3,
        )

    def intake(self) -> EventIntake:
        return self.closing(KafkaEventIntake(self.cluster, self.topics.events))

    def decisions(self) -> DecisionSink:
        return self.closing(KafkaDecisionSink(self.cluster, self.topics.decisions))

    def decision_reader(self, partition: int) -> LogReader:
        return self.closing(KafkaLogReader(self.cluster, self.topics.decisions, partition))

    def dead_letters(self) -> DeadLetterSink:
        return self.closing(KafkaDeadLetterSink(self.cluster, self.topics.dead_letters))

    def dead_letter_reader(self) -> LogReader:
        return self.closing(KafkaLogReader(self.cluster, self.topics.dead_letters))

    def labels(self) -> LabelLog:
        return self.closing(KafkaLabelLog(self.cluster, self.topics.labels, delivery_seconds=1.0))

    def audit(self) -> AuditLog:
        return self.closing(KafkaKeptLog(self.cluster, self.topics.audit, delivery_seconds=1.0))

    async def truncate_labels(self, before: int) -> None:
        await self._delete_records(self.topics.labels, 0, before)

    async def truncate_decisions(self, partition: int, before: int) -> None:
        await self._delete_records(self.topics.decisions, partition, before)

    def kill(self) -> None:
        if not isinstance(self.broker, LocalKafka):
            pytest.skip("this broker is not ours to restart")
        self.broker.kill()

    async def start(self) -> None:
        assert isinstance(self.broker, LocalKafka)
        await asyncio.to_thread(self.broker.start)  # heartbeats go on meanwhile

    async def events(self, partition: int, values: Sequence[bytes]) -> None:
        async with self.cluster.producer() as producer:
            for value in values:
                await producer.send(self.topics.events, value, partition=partition)

    async def _delete_records(self, topic: str, partition: int, before: int) -> None:
        admin = self.cluster.admin()
        await admin.start()
        try:
            await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)})
        finally:
            await admin.close()


class RedisServers(LogServers):
    session_seconds = 0.8

    def __init__(self, url: str, prefix: str, server: EmbeddedValkey | None = None) -> None:
        super().__init__()
        self.server = server
        self.streams = RedisStreams(url, prefix)

    @asynccontextmanager
    async def prepared(self) -> AsyncIterator[Self]:
        await ensure_streams(self.streams, partitions=PARTITIONS)
        async with self.stack:
            yield self

    @property
    def address(self) -> Sequence[str]:
        return ("redis", self.streams.url, self.streams.prefix)

    def source(self) -> RedisEventSource:
        return RedisEventSource(self.streams, PARTITIONS, lease_seconds=self.session_seconds)

    def intake(self) -> EventIntake:
        return self.closing(RedisEventIntake(self.streams, PARTITIONS))

    def decisions(self) -> DecisionSink:
        return self.closing(RedisDecisionSink(self.streams))

    def decision_reader(self, partition: int) -> LogReader:
        return self.closing(RedisLogReader(self.streams, self.streams.decisions(partition)))

    def dead_letters(self) -> DeadLetterSink:
        return self.closing(RedisDeadLetterSink(self.streams))

    def dead_letter_reader(self) -> LogReader:
        return self.closing(RedisLogReader(self.streams, self.streams.dead_letters))

    def labels(self) -> LabelLog:
        return self.closing(RedisLabelLog(self.streams))

    def audit(self) -> AuditLog:
        return self.closing(RedisKeptLog(self.streams, self.streams.audit))

    async def truncate_labels(self, before: int) -> None:
        await self._trim(self.streams.labels, before)

    async def truncate_decisions(self, partition: int, before: int) -> None:
        await self._trim(self.streams.decisions(partition), before)

    def kill(self) -> None:
        assert self.server is not None
        self.server.kill()

    async def start(self) -> None:
        assert self.server is not None
        self.server.start()

    async def events(self, partition: int, values: Sequence[bytes]) -> None:
        async with self.streams.client() as client:
            for value in values:
                await client.xadd(self.streams.events(partition), {"v": value}, id="0-*")

    async def _trim(self, key: str, before: int) -> None:
        async with self.streams.client() as client:
            await client.xtrim(key, minid=id_at(before), approximate=False)


def nowhere(logs: LogServers) -> LogServers:
    """The like of these at an address where no server is."""
    kind, _, prefix = logs.address
    return connected(kind, "127.0.0.1:1" if kind == "kafka" else "redis://127.0.0.1:1", prefix)


def connected(kind: str, address: str, prefix: str) -> LogServers:
    """The logs at an ``address``, from another process than the one that has the server."""
    return KafkaServers(address, prefix) if kind == "kafka" else RedisServers(address, prefix)


class Ownership:
    """A rebalance listener that owns what it is given, and lets a test wait for it."""

    def __init__(self) -> None:
        self.owned: dict[Partition, int] = {}
        self.history: list[tuple[str, tuple[int, ...]]] = []
        self._changed = asyncio.Condition()

    async def on_assigned(self, positions: Mapping[Partition, int]) -> None:
        self.owned.update(positions)
        await self._record("assigned", positions)

    async def on_revoked(self, partitions: Sequence[Partition]) -> None:
        await self.finish(partitions)
        for partition in partitions:
            del self.owned[partition]
        await self._record("revoked", partitions)

    async def finish(self, partitions: Sequence[Partition]) -> None:
        """What is done before giving these up."""

    async def owns(self, *numbers: int) -> None:
        """Returns once it owns exactly these partitions."""
        await self.until(lambda: self.numbers == numbers)

    async def owns_some(self, count: int) -> None:
        """Returns once it owns so many partitions."""
        await self.until(lambda: len(self.owned) == count)

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(sorted(one.partition for one in self.owned))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(15), self._changed:
            await self._changed.wait_for(condition)

    async def _record(self, change: str, partitions: Collection[Partition]) -> None:
        async with self._changed:
            self.history.append((change, tuple(sorted(one.partition for one in partitions))))
            self._changed.notify_all()


def servers_of(request: pytest.FixtureRequest, prefix: str) -> LogServers:
    """Of the kind that a fixture is parametrised with."""
    server = request.getfixturevalue(request.param)
    if request.param == "kafka":
        return KafkaServers(server.bootstrap_servers, prefix, server)
    return RedisServers(server.url, prefix, server)


async def polled(source: EventSource, count: int, *, at_once: int = 100) -> list[SourceRecord]:
    """The next ``count`` records or more, of whatever partitions."""
    records: list[SourceRecord] = []
    async with asyncio.timeout(20):
        while len(records) < count:
            for _, some in await source.poll(at_once, 0.2):
                records += some
    return records


def after(records: Sequence[SourceRecord]) -> dict[Partition, int]:
    """The positions at which all of these are done."""
    return {Partition(one.topic, one.partition): one.offset + 1 for one in records}


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(start, start + count)]


def of(records: Sequence[SourceRecord], partition: int) -> list[tuple[int, bytes | None]]:
    """Offset and value of the records of one partition, as they came."""
    return [(one.offset, one.value) for one in records if one.partition == partition]


def values(records: Sequence[SourceRecord]) -> list[bytes]:
    return sorted(one.value or b"" for one in records)
