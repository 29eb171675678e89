"""What we may do on Kafka, tried out without doing it.

Brokers check rights before anything else: a produce request without records, a fetch of no bytes, and the
heartbeat of a member there is not, are refused for what is wrong with them only to those who may send them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaConnectionError,
    NoError,
    NotCoordinatorForGroupError,
    TopicAuthorizationFailedError,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.structs import TopicPartition

from streamsel.adapters.kafka import KafkaCluster
from streamsel.doctor.kafka_rights import KafkaRights

_ACKS_OF_ALL = -1
_WAIT_MS = 5_000
_RETRY_SECONDS = 0.2
_NOT_YET = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError)
_NO_MEMBER = "streamsel-doctor"


async def denied_on_topics(
    cluster: KafkaCluster, admin: AIOKafkaAdminClient, rights: KafkaRights, there: Collection[str]
) -> Mapping[str, AbstractSet[str]]:
    """By topic, which of the operations in ``rights`` are refused. Those of topics that are not ``there`` can
    be described, or could not be told apart from others."""
    denied: dict[str, set[str]] = {name: set() for name in rights.topics}
    for name in await _hidden(admin, rights.topics):
        denied[name] = set(rights.topics[name])
    for name in await _settings_hidden(admin, [name for name in there if name in rights.topics]):
        denied[name].add("DescribeConfigs")
    async with _connected(cluster, there) as client:
        for name in there:
            operations = rights.topics.get(name, frozenset())
            leader = client.cluster.leader_for_partition(TopicPartition(name, 0))
            if "Read" in operations and await _refused(client, leader, _fetch(name)):
                denied[name].add("Read")
            if "Write" in operations and await _refused(client, leader, _produce(name)):
                denied[name].add("Write")
    return denied


async def denied_groups(
    cluster: KafkaCluster, admin: AIOKafkaAdminClient, groups: Iterable[str]
) -> AbstractSet[str]:
    """Those we may not join."""
    async with _connected(cluster, ()) as client:
        return {group for group in groups if not await _may_join(client, admin, group)}


@asynccontextmanager
async def _connected(cluster: KafkaCluster, topics: Iterable[str]) -> AsyncIterator[AIOKafkaClient]:
    """A client that takes any request, and knows the leaders of these topics."""
    client = AIOKafkaClient(bootstrap_servers=cluster.bootstrap_servers, **cluster.client_options)
    try:
        await client.bootstrap()
        for name in topics:
            client.add_topic(name)
        await client.force_metadata_update()
        yield client
    finally:
        await client.close()


async def _hidden(admin: AIOKafkaAdminClient, names: Iterable[str]) -> list[str]:
    described = await admin.describe_topics(list(names))
    return [one["topic"] for one in described if one["error_code"] == TopicAuthorizationFailedError.errno]


async def _settings_hidden(admin: AIOKafkaAdminClient, names: Iterable[str]) -> list[str]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not resources:
        return []
    return [
        name
        for response in await admin.describe_configs(resources)
        for code, _, _, name, _ in response.resources
        if code == TopicAuthorizationFailedError.errno
    ]


async def _refused(client: AIOKafkaClient, leader: int, request: FetchRequest | ProduceRequest) -> bool:
    response = await _sent(client, leader, request)
    ((_, ((_, code, *_),)),) = response.topics
    return bool(code == TopicAuthorizationFailedError.errno)


async def _sent(client: AIOKafkaClient, node: int, request: Any) -> Any:
    if not await client.ready(node):
        raise KafkaConnectionError(f"broker {node} can't be reached")
    return await client.send(node, request)


def _fetch(topic: str) -> FetchRequest:
    return FetchRequest(0, 0, 0, 0, [(topic, [(0, 0, 0)])])


def _produce(topic: str) -> ProduceRequest:
    return ProduceRequest(None, _ACKS_OF_ALL, _WAIT_MS, [(topic, [(0, b"")])])


async def _may_join(client: AIOKafkaClient, admin: AIOKafkaAdminClient, group: str) -> bool:
    """Waits for a cluster that never had a group, and first makes a topic for them."""
    while True:
        try:
            coordinator = await admin.find_coordinator(group)
            response = await _sent(client, coordinator, HeartbeatRequest(group, 0, _NO_MEMBER))
            # No error is what a group's members hear while it is still being loaded.
            if response.error_code in (UnknownMemberIdError.errno, NoError.errno):
                return True
            raise for_code(response.error_code)
        except GroupAuthorizationFailedError:
            return False
        except _NOT_YET:
            await asyncio.sleep(_RETRY_SECONDS)
