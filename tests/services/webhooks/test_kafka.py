"""Webhooks of a whole desk whose logs are on a real Kafka broker."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import orjson
import pytest
from redis.asyncio import Redis

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.kafka import KafkaCluster
from streamsel.adapters.kafka_log import KafkaLabelLog
from streamsel.adapters.kafka_sinks import KafkaDecisionSink
from streamsel.adapters.kafka_topics import KafkaTopics
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.codec import encode_log_record
from streamsel.codec.records import query_fields
from streamsel.config import Config
from streamsel.ports import OutgoingDecisions
from streamsel.wiring.service import running
from tests.servers import GivenKafka
from tests.services.webhooks.conftest import SECRET, Receiver, label
from tests.services.webhooks.test_messages import ASKED, DECISION

LOGS = ("labels", "decisions:0", "decisions:1")


@pytest.mark.kafka
async def test_a_desk_on_kafka_tells_of_queries_and_labels(
    kafka: LocalKafka | GivenKafka, valkey: EmbeddedValkey, prefix: str, client: Redis, receiver: Receiver
) -> None:
    """Of every partition, and once: what is refused is told again under its id, and a desk that starts anew
    goes on behind what was taken."""
    webhook = {"url": receiver.url, "secret": SECRET, "events": ["label.recorded", "query.offered"]}
    config = Config.model_validate(
        {
            "kafka": {
                "bootstrap_servers": kafka.bootstrap_servers,
                "prefix": f"{prefix}.",
                "group": prefix,
                "partitions": 2,
            },
            "redis": {"url": valkey.url, "prefix": prefix},
            "desk": {"port": 0, "webhooks": [webhook]},
            "labels": {"names": ["fraud", "legitimate"]},
        }
    )
    cluster, topics = KafkaCluster(kafka.bootstrap_servers), KafkaTopics.under(f"{prefix}.")
    log, sink = KafkaLabelLog(cluster, topics.labels), KafkaDecisionSink(cluster, topics.decisions)
    receiver.status = [503]
    async with running(config, frozenset({"desk"})):
        await _noted(client, prefix, dict.fromkeys(LOGS, 0))
        for partition in range(2):
            asked = query_fields(replace(ASKED, query_id=f"q{partition}"))
            decision = orjson.dumps({**DECISION, "query": asked})
            await (await sink.send([OutgoingDecisions(partition, [7], [decision])]))
        await log.append([encode_log_record(label(1)), encode_log_record(label(2))])
        await receiver.wait_for(lambda: len(receiver.taken) == 4)
        assert {one.id for one in receiver.taken} == {"query-q0", "query-q1", "label-0", "label-1"}
        assert len(receiver.attempts) == 5
        await _noted(client, prefix, {"labels": 2, "decisions:0": 1, "decisions:1": 1})
    await log.append([encode_log_record(label(3))])
    # As if the time had passed after which others may go on for a desk that is gone.
    await client.delete(*await client.keys(f"{{{prefix}}}:webhooks:*:holder"))
    async with running(config, frozenset({"desk"})):
        await receiver.wait_for(lambda: len(receiver.taken) == 5)
    assert receiver.taken[-1].id == "label-2"
    assert len(receiver.attempts) == 6
    for part in (log, sink):
        await part.close()


async def _noted(client: Redis, prefix: str, positions: Mapping[str, int]) -> None:
    """Once the store has how far each log was told."""
    async with asyncio.timeout(20):
        for name, position in positions.items():
            pattern, wanted = f"{{{prefix}}}:webhooks:*:{name}:delivered", [str(position).encode()]
            while [await client.get(key) for key in await client.keys(pattern)] != wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
