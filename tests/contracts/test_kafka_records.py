"""Records of Kafka as our consumers unpack them, beside those of aiokafka."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher

from streamsel.adapters.kafka import stop_consumer
from streamsel.adapters.kafka_records import KafkaRecord, slim
from streamsel.ports import SourceRecord
from tests.contracts.log_servers import KafkaServers, Ownership, polled

pytestmark = pytest.mark.kafka

HEADERS = [("origin", b"shop"), ("empty", None)]


def fields(record: SourceRecord) -> tuple[Any, ...]:
    return record.topic, record.partition, record.offset, record.value, tuple(record.headers)


@pytest.mark.parametrize("compression", [None, "gzip", "lz4", "snappy", "zstd"])
async def test_records_hold_what_those_of_aiokafka_hold(
    kafka_logs: KafkaServers, compression: str | None
) -> None:
    """Over several batches, compressed ones too, with keys, headers and empty values."""
    cluster, topic = kafka_logs.cluster, kafka_logs.topics.events
    producer = cluster.producer(compression_type=compression)
    await producer.start()
    for number in range(30):
        await producer.send(topic, b"event %d" % number, b"key", partition=0, headers=HEADERS)
        if number % 10 == 0:
            await producer.flush()
    await producer.send_and_wait(topic, None, b"key", partition=0)
    await producer.stop()

    async with kafka_logs.running(kafka_logs.source(), Ownership()) as source:
        ours = await polled(source, 31)
    place = TopicPartition(topic, 0)
    reader = await cluster.reader(place, auto_offset_reset="earliest")
    theirs: list[SourceRecord] = []
    while len(theirs) < 31:
        theirs += (await reader.getmany(place, timeout_ms=1000)).get(place, [])
    await stop_consumer(reader)

    assert {type(record) for record in ours} == {KafkaRecord}
    assert [fields(record) for record in ours] == [fields(record) for record in theirs]


async def test_another_aiokafka_is_refused(kafka_logs: KafkaServers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it unpacks in another way, ours must not take its place without a word."""

    def otherwise(records: Any, partition: Any, record: Any, more: Any) -> None: ...

    monkeypatch.setattr(fetcher.PartitionRecords, "_consumer_record", otherwise)
    consumer = await kafka_logs.cluster.reader(TopicPartition(kafka_logs.topics.events, 0))
    try:
        with pytest.raises(RuntimeError, match=r"aiokafka .* unpacks records in another way"):
            slim(consumer)
    finally:
        await stop_consumer(consumer)
