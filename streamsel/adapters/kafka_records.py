"""Records as they come out of fetched batches, without what nobody here asks of them.

aiokafka makes a ``ConsumerRecord`` of eleven fields of each, which costs as much as all else that brings one
from the wire. It can't be told of another class, so the classes of its fetcher and of the batches fetched are
exchanged for ones that differ in just this, consumer by consumer. Batches, checksums, transactions and
positions stay its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import signature
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition, __version__
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords

_OVERRIDDEN = {
    (Fetcher, "_proc_fetch_request"): ("self", "assignment", "node_id", "request"),
    (PartitionRecords, "_consumer_record"): ("self", "tp", "record"),
    (PartitionRecords, "__iter__"): ("self",),
}
"""Methods of aiokafka's, with their parameters."""


class KafkaRecord(msgspec.Struct, frozen=True, gc=False):
    """See ``ports.SourceRecord``."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


def slim(consumer: AIOKafkaConsumer) -> None:
    """Has a consumer that has just been started give a ``KafkaRecord`` for each record.

    Raises ``RuntimeError`` when aiokafka is of a version that works in another way.
    """
    fetcher = getattr(consumer, "_fetcher", None)
    if type(fetcher) is not Fetcher or not all(map(_is_known, _OVERRIDDEN)):
        raise RuntimeError(
            f"aiokafka {__version__} unpacks records in another way than 0.14, which is needed"
        )
    fetcher.__class__ = _Fetcher


class _Fetcher(Fetcher):
    async def _proc_fetch_request(self, assignment: Any, node_id: Any, request: Any) -> bool:
        fetched: bool = await super()._proc_fetch_request(assignment, node_id, request)
        for result in self._records.values():
            if isinstance(result, FetchResult) and result.has_more():
                result._partition_records.__class__ = _PartitionRecords  # noqa: SLF001
        return fetched


class _PartitionRecords(PartitionRecords):
    def __iter__(self) -> Iterator[KafkaRecord]:
        records: Iterator[KafkaRecord] = self._records_iterator
        return records

    def _consumer_record(self, tp: TopicPartition, record: Any) -> KafkaRecord:
        topic, partition = tp
        return KafkaRecord(topic, partition, record.offset, record.value, record.headers)


def _is_known(method: tuple[type, str]) -> bool:
    found = getattr(*method, None)
    return found is not None and tuple(signature(found).parameters) == _OVERRIDDEN[method]
