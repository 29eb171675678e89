"""What is made, what is checked and what is refused before the first record."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import astuple
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.kafka import KafkaCluster
from streamsel.adapters.kafka_topics import KafkaTopics, ensure_topics
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.adapters.redis_streams import RedisStreams, ensure_streams
from streamsel.ports import SourceUnavailable, TopicRefused
from tests.servers import GivenKafka


@pytest.fixture
def cluster(kafka: LocalKafka | GivenKafka) -> KafkaCluster:
    return KafkaCluster(kafka.bootstrap_servers)


@pytest.fixture
def topics(prefix: str) -> KafkaTopics:
    return KafkaTopics.under(f"{prefix}.")


@pytest.fixture
async def admin(cluster: KafkaCluster) -> AsyncIterator[AIOKafkaAdminClient]:
    client = cluster.admin()
    await client.start()
    yield client
    await client.close()


async def settings_of(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for entry in response.resources[0][4]}


async def partitions_of(admin: AIOKafkaAdminClient, topics: KafkaTopics) -> list[int]:
    described = {one["topic"]: one for one in await admin.describe_topics(list(astuple(topics)))}
    return [len(described[name]["partitions"]) for name in astuple(topics)]


@pytest.mark.kafka
async def test_missing_topics_are_made_as_they_must_be(
    cluster: KafkaCluster, topics: KafkaTopics, admin: AIOKafkaAdminClient
) -> None:
    """Decisions have as many partitions as events; labels have one, kept for ever; all take large records."""
    await ensure_topics(cluster, topics, partitions=3)
    assert await partitions_of(admin, topics) == [3, 3, 1, 1, 1, 1, 1, 1]
    labels = await settings_of(admin, topics.labels)
    assert labels["cleanup.policy"] == "delete"
    assert labels["retention.ms"] == labels["retention.bytes"] == "-1"
    for name in (topics.decisions, topics.labels, topics.dead_letters):
        assert int((await settings_of(admin, name))["max.message.bytes"]) > 4_194_304
    await ensure_topics(cluster, topics, partitions=3)


@pytest.mark.kafka
async def test_decisions_follow_the_events_topic_that_is_there(
    cluster: KafkaCluster, topics: KafkaTopics, admin: AIOKafkaAdminClient
) -> None:
    """The configured number of partitions is for an events topic that must be made."""
    await admin.create_topics([NewTopic(topics.events, 4, 1)])
    await ensure_topics(cluster, topics, partitions=1)
    assert await partitions_of(admin, topics) == [4, 4, 1, 1, 1, 1, 1, 1]


@pytest.mark.kafka
async def test_processes_that_start_together_do_not_trip_over_each_other(
    cluster: KafkaCluster, topics: KafkaTopics
) -> None:
    """All find the topics, whoever made them."""
    await asyncio.gather(*(ensure_topics(cluster, topics) for _ in range(4)))


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("setting", "value", "wanted"),
    [
        ("cleanup.policy", "compact", "delete"),
        ("cleanup.policy", "compact,delete", "delete"),
        ("retention.ms", "604800000", "-1"),
        ("retention.bytes", "1073741824", "-1"),
        ("max.message.bytes", "1048588", "4259840"),
    ],
)
async def test_a_label_log_that_would_lose_labels_is_refused(
    cluster: KafkaCluster,
    topics: KafkaTopics,
    admin: AIOKafkaAdminClient,
    setting: str,
    value: str,
    wanted: str,
) -> None:
    """The refusal names topic, setting, value, what it must be, and the command that mends it."""
    sound = {"retention.ms": "-1", "max.message.bytes": "4259840"}
    await admin.create_topics([NewTopic(topics.labels, 1, 1, topic_configs=sound | {setting: value})])
    with pytest.raises(TopicRefused) as refused:
        await ensure_topics(cluster, topics)
    message = str(refused.value)
    assert message.startswith(f"{topics.labels} has {setting}={value} and must have {setting}={wanted}")
    assert f"--entity-name {topics.labels} --add-config {setting}={wanted}" in message


@pytest.mark.kafka
async def test_a_divided_label_log_is_refused(
    cluster: KafkaCluster, topics: KafkaTopics, admin: AIOKafkaAdminClient
) -> None:
    """Two partitions have no common order."""
    await admin.create_topics([NewTopic(topics.labels, 2, 1)])
    with pytest.raises(TopicRefused, match=r"labels has 2 partitions and must have 1"):
        await ensure_topics(cluster, topics)


@pytest.mark.kafka
async def test_fewer_decision_partitions_than_events_are_refused(
    cluster: KafkaCluster, topics: KafkaTopics, admin: AIOKafkaAdminClient
) -> None:
    """A decision must have a place in the partition of its event's number."""
    await admin.create_topics([NewTopic(topics.events, 3, 1), NewTopic(topics.decisions, 2, 1)])
    with pytest.raises(TopicRefused, match=r"decisions has 2 partitions .* --partitions 3"):
        await ensure_topics(cluster, topics)


async def test_no_broker_is_told(topics: KafkaTopics) -> None:
    """Nobody answers at that address: that is no refusal."""
    with pytest.raises(SourceUnavailable, match=r"127\.0\.0\.1:1"):
        await ensure_topics(KafkaCluster("127.0.0.1:1"), topics)


async def test_an_embedded_server_is_sound(valkey: EmbeddedValkey, prefix: str) -> None:
    """The default needs no settings."""
    await ensure_streams(RedisStreams(valkey.url, prefix), partitions=2)
    await ensure_streams(RedisStreams(valkey.url, prefix), partitions=2)


@pytest.mark.parametrize(
    ("setting", "value", "wanted"),
    [
        ("appendonly", "no", "yes"),
        ("appendfsync", "everysec", "always"),
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
    ],
)
async def test_a_server_that_would_lose_labels_is_refused(
    valkey: EmbeddedValkey, prefix: str, setting: str, value: str, wanted: str
) -> None:
    """The refusal names setting, value and what it must be; two of them can be waived."""
    streams = RedisStreams(valkey.url, prefix)
    async with streams.client() as client:
        await client.config_set(setting, value)
        try:
            with pytest.raises(TopicRefused, match=f"{setting} {value} and must have {setting} {wanted}"):
                await ensure_streams(streams, partitions=1)
            if setting != "maxmemory-policy":
                await ensure_streams(streams, partitions=1, allow_volatile=True)
        finally:
            await client.config_set(setting, wanted)


async def test_a_server_whose_settings_are_hidden_is_refused(valkey: EmbeddedValkey, prefix: str) -> None:
    """What can't be read can't be trusted."""
    user = secrets.token_hex(6)
    async with RedisStreams(valkey.url, prefix).client() as client:
        await client.acl_setuser(
            user, enabled=True, passwords=["+secret"], categories=["+@all"], commands=["-config"], keys=["*"]
        )
        url = f"{valkey.url}?username={user}&password=secret"
        with pytest.raises(TopicRefused, match=r"maxmemory-policy must be noeviction .* cannot be read"):
            await ensure_streams(RedisStreams(url, prefix), partitions=1)
        await client.acl_deluser(user)


async def test_another_number_of_partitions_is_refused(valkey: EmbeddedValkey, prefix: str) -> None:
    """Events would lie in partitions that nobody reads."""
    streams = RedisStreams(valkey.url, prefix)
    await ensure_streams(streams, partitions=4)
    with pytest.raises(TopicRefused, match="has 4 partitions, not 2"):
        await ensure_streams(streams, partitions=2)


async def test_no_redis_server_is_told(tmp_path: Path) -> None:
    """Nobody answers at that address: that is no refusal."""
    with pytest.raises(SourceUnavailable):
        await ensure_streams(RedisStreams(f"unix://{tmp_path}/none.sock", "p"), partitions=1)
