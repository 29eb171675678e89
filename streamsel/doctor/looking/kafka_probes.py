"""What we may do on Kafka, tried out without doing it.

Brokers check rights before anything else: a produce request without records, and a fetch of no bytes, are
refused for what is wrong with them only to those who were allowed to send them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.structs import TopicPartition

from streamsel.adapters.kafka import KafkaCluster
from streamsel.doctor.kafka_rights import KafkaRights

_ACKS_OF_ALL = -1
_WAIT_MS = 5_000
_READ_BIT = 1 << 3
"""Of the operations that a broker says we may do with a group (KIP-430, by the codes of AclOperation)."""


async def denied_on_topics(
    cluster: KafkaCluster, admin: AIOKafkaAdminClient, rights: KafkaRights, there: Collection[str]
) -> Mapping[str, AbstractSet[str]]:
    """By topic, which of the operations in ``rights`` are refused. Those of topics that are not ``there`` can
    be described, or could not be told apart from others."""
    client = AIOKafkaClient(bootstrap_servers=cluster.bootstrap_servers, **cluster.client_options)
    denied: dict[str, set[str]] = {name: set() for name in rights.topics}
    hidden = await _hidden(admin, rights.topics)
    for name in hidden:
        denied[name] = set(rights.topics[name])
    for name in await _settings_hidden(admin, [name for name in there if name in rights.topics]):
        denied[name].add("DescribeConfigs")
    try:
        await client.bootstrap()
        for name in there:
            client.add_topic(name)
        await client.force_metadata_update()
        for name in there:
            operations = rights.topics.get(name, frozenset())
            if "Read" in operations and await _refused(client, name, _fetch(name)):
                denied[name].add("Read")
            if "Write" in operations and await _refused(client, name, _produce(name)):
                denied[name].add("Write")
    finally:
        await client.close()
    return denied


async def denied_groups(admin: AIOKafkaAdminClient, groups: Iterable[str]) -> AbstractSet[str]:
    """Those we may not join."""
    return {group for group in groups if not await _may_join(admin, group)}


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


async def _refused(client: AIOKafkaClient, topic: str, request: FetchRequest | ProduceRequest) -> bool:
    leader = client.cluster.leader_for_partition(TopicPartition(topic, 0))
    if not await client.ready(leader):
        raise KafkaConnectionError(f"the leader of {topic} can't be reached")
    response = await client.send(leader, request)
    ((_, ((_, code, *_),)),) = response.topics
    return bool(code == TopicAuthorizationFailedError.errno)


def _fetch(topic: str) -> FetchRequest:
    return FetchRequest(0, 0, 0, 0, [(topic, [(0, 0, 0)])])


def _produce(topic: str) -> ProduceRequest:
    return ProduceRequest(None, _ACKS_OF_ALL, _WAIT_MS, [(topic, [(0, b"")])])


async def _may_join(admin: AIOKafkaAdminClient, group: str) -> bool:
    try:
        (response,) = await admin.describe_consumer_groups([group], include_authorized_operations=True)
    except GroupAuthorizationFailedError:  # it may not even be looked for
        return False
    ((code, *_, operations),) = response.groups
    if code == GroupAuthorizationFailedError.errno:
        return False
    if code:
        raise for_code(code)(f"describing group {group}")
    return bool(operations & _READ_BIT)
