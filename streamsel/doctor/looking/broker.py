"""What there is of Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NoError

from streamsel.adapters.kafka import KafkaCluster, stop_consumer
from streamsel.adapters.kafka_epochs import KafkaEpochs
from streamsel.adapters.kafka_topics import KafkaTopics, topic_faults, topic_settings
from streamsel.config import Config
from streamsel.doctor.judging.broker import BrokerFacts, Fault, Topic
from streamsel.doctor.kafka_rights import KafkaRights, kafka_rights
from streamsel.doctor.looking.kafka_probes import denied_groups, denied_on_topics
from streamsel.doctor.roles import ProcessRole
from streamsel.wiring.logs import kafka_cluster

_ANSWER_SECONDS = 15.0
_LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class SeenBroker:
    """Facts, and what was needed to find them."""

    facts: BrokerFacts
    rights: KafkaRights
    labels: str = ""
    """The label log's topic, if it is there and may be read."""
    events_ahead: Mapping[str, float] = field(default_factory=dict)
    """By topic, how many seconds its newest record is ahead of our clock."""


async def look_at_broker(config: Config, roles: AbstractSet[ProcessRole]) -> SeenBroker:
    """Looks for no longer than a few seconds."""
    kafka = config.kafka
    with_outcomes = config.oracles.outcomes is not None
    rights = kafka_rights(kafka.prefix, kafka.group, roles, with_outcomes=with_outcomes)
    servers = kafka.bootstrap_servers or ""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            cluster = kafka_cluster(kafka)
            admin = cluster.admin()
            try:
                await admin.start()
                epoch = await _epoch(cluster, admin, kafka.prefix)
                rights = kafka_rights(
                    kafka.prefix, kafka.group, roles, epoch=epoch, with_outcomes=with_outcomes
                )
                return await _seen(cluster, admin, KafkaTopics.under(kafka.prefix, epoch), rights, servers)
            finally:
                await admin.close()
    except (KafkaError, OSError) as error:  # of TLS, too, and a timeout
        return SeenBroker(BrokerFacts(servers, unreachable=str(error) or type(error).__name__), rights)


async def _seen(
    cluster: KafkaCluster, admin: AIOKafkaAdminClient, topics: KafkaTopics, rights: KafkaRights, servers: str
) -> SeenBroker:
    described = {one["topic"]: one for one in await admin.describe_topics(list(rights.topics))}
    there = [name for name, one in described.items() if one["error_code"] == NoError.errno]
    denied = await denied_on_topics(cluster, admin, rights, there)
    readable = [name for name in there if "DescribeConfigs" not in denied[name]]
    settings = await topic_settings(admin, readable) if readable else {}
    counts = {name: len(described[name]["partitions"]) for name in there}
    facts = BrokerFacts(
        servers,
        brokers=len((await admin.describe_cluster())["brokers"]),
        session_limits_ms=await _session_limits(admin),
        topics={
            name: _topic(described[name], settings.get(name)) if name in there else None
            for name in rights.topics
            if name in there or not denied[name]
        },
        faults=[Fault(fault.says, fault.mend) for fault in topic_faults(topics, counts, settings)],
        denied=denied,
        denied_groups=await denied_groups(cluster, admin, rights.groups),
    )
    may_read = topics.events in there and "Read" in rights.topics[topics.events] - denied[topics.events]
    ahead = await _newest_ahead(cluster, topics.events, counts[topics.events]) if may_read else None
    labels = topics.labels if topics.labels in there and "Read" not in denied[topics.labels] else ""
    return SeenBroker(facts, rights, labels, {} if ahead is None else {topics.events: ahead})


async def _epoch(cluster: KafkaCluster, admin: AIOKafkaAdminClient, prefix: str) -> int:
    """The one in force; 1 where that is not written, or may not be read, which is found out elsewhere."""
    (described,) = await admin.describe_topics([f"{prefix}epochs"])
    if described["error_code"] != NoError.errno:
        return 1
    epochs = KafkaEpochs(cluster, prefix)
    try:
        return await epochs.current()
    except Exception:  # noqa: BLE001 - whatever it is, the looks that follow tell of it
        return 1
    finally:
        await epochs.close()


def _topic(described: Mapping[str, Any], settings: Mapping[str, str] | None) -> Topic:
    partitions = described["partitions"]
    return Topic(
        partitions=len(partitions),
        replicas=min(len(one["replicas"]) for one in partitions),
        in_sync=min(len(one["isr"]) for one in partitions),
        min_insync=None if settings is None else int(settings["min.insync.replicas"]),
        retention_ms=None if settings is None else int(settings["retention.ms"]),
    )


async def _session_limits(admin: AIOKafkaAdminClient) -> tuple[int, int] | None:
    broker = (await admin.describe_cluster())["brokers"][0]
    (response,) = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.BROKER, str(broker["node_id"]))]
    )
    ((code, _, _, _, entries),) = response.resources
    if code != NoError.errno:
        return None
    settings = {entry[0]: entry[1] for entry in entries}
    return int(settings["group.min.session.timeout.ms"]), int(settings["group.max.session.timeout.ms"])


async def _newest_ahead(cluster: KafkaCluster, topic: str, partitions: int) -> float | None:
    """Seconds; ``None`` for an empty topic."""
    places = [TopicPartition(topic, part) for part in range(partitions)]
    consumer = cluster.consumer(group_id=None, auto_offset_reset="none")
    consumer.assign(places)
    try:
        await consumer.start()
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        filled = [place for place in places if ends[place] > begins[place]]
        if not filled:
            return None
        consumer.assign(filled)
        for place in filled:
            consumer.seek(place, ends[place] - 1)
        newest: dict[TopicPartition, int] = {}
        deadline = time.monotonic() + _LOOK_SECONDS
        while len(newest) < len(filled) and time.monotonic() < deadline:
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                newest[place] = records[-1].timestamp
        return max(newest.values()) / 1000 - time.time() if newest else None
    finally:
        await stop_consumer(consumer)
