"""A real broker that lets nobody do anything who was not allowed to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from aiokafka import TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from streamsel.adapters.kafka import KafkaCluster
from streamsel.adapters.kafka_topics import KafkaTopics, ensure_kept, ensure_topics
from streamsel.adapters.local_kafka import BrokerNotInstalled, LocalKafka
from tests.security.certificates import Certificates
from tests.servers import missing

_OPERATIONS = {
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
}


class SecuredKafka:
    """``plain`` is for the tests alone, which may do everything there."""

    def __init__(self, broker: LocalKafka) -> None:
        self.plain = KafkaCluster(broker.bootstrap_servers)
        self.scram = broker.address("SCRAM")
        self.mutual = broker.address("MUTUAL")
        self._admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})

    def add_user(self, name: str, password: str) -> None:
        """One who signs in by SCRAM-SHA-512, and may do nothing yet."""
        credentials = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4_096)
        change = UserScramCredentialUpsertion(name, credentials, password.encode())
        for done in self._admin.alter_user_scram_credentials([change]).values():
            done.result()

    def allow(self, commands: Iterable[str]) -> None:
        """What ``kafka-acls.sh`` would do with each."""
        for done in self._admin.create_acls([one for line in commands for one in _bindings(line)]).values():
            done.result()

    def forbid(self, command: str) -> None:
        """Takes back what one of them allowed."""
        filters = [_filter(one) for one in _bindings(command)]
        for done in self._admin.delete_acls(filters).values():
            assert done.result()

    async def make_topics(self, prefix: str) -> None:
        """As an operator does whose services may not."""
        await ensure_kept(self.plain, f"{prefix}epochs")
        await ensure_topics(self.plain, KafkaTopics.under(prefix))

    async def records(self, topics: Iterable[str]) -> int:
        """In all of these of one partition."""
        places = [TopicPartition(topic, 0) for topic in topics]
        consumer = self.plain.consumer(group_id=None)
        consumer.assign(places)
        await consumer.start()
        try:
            return sum((await consumer.end_offsets(places)).values())
        finally:
            await consumer.stop()


def _bindings(command: str) -> Iterator[AclBinding]:
    """Of one ``kafka-acls.sh --add``."""
    words = command.split()
    assert words[:2] == ["kafka-acls.sh", "--add"]
    options = list(zip(words[2::2], words[3::2], strict=True))
    given = dict(options)
    kind = ResourceType.TOPIC if "--topic" in given else ResourceType.GROUP
    for name, operation in options:
        if name == "--operation":
            yield AclBinding(
                kind,
                given.get("--topic") or given["--group"],
                ResourcePatternType.LITERAL,
                given["--allow-principal"],
                "*",
                _OPERATIONS[operation],
                AclPermissionType.ALLOW,
            )


def _filter(one: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        one.restype,
        one.name,
        one.resource_pattern_type,
        one.principal,
        one.host,
        one.operation,
        one.permission_type,
    )


@contextmanager
def secured_kafka(certificates: Certificates) -> Iterator[SecuredKafka]:
    """Started, with a listener that asks for a password and one that asks for a certificate."""
    server = certificates.server
    broker = LocalKafka(
        settings={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # Whoever comes by the plain listener, where the tests and the broker itself come.
            "super.users": "User:ANONYMOUS",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(server.both),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(certificates.ca),
            "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.scram.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            "listener.name.mutual.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": r"RULE:^.*CN=([^,]+).*$/$1/",
        },
        listeners={"SCRAM": "SASL_SSL", "MUTUAL": "SSL"},
    )
    try:
        broker.start()
    except BrokerNotInstalled as error:
        missing(str(error))
    try:
        yield SecuredKafka(broker)
    finally:
        broker.kill()
        broker.stop()
