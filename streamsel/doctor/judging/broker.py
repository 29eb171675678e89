"""Kafka: is it there, are the topics as they must be, and may we do what we do with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from streamsel.doctor.finding import Finding, fail, ok, unknown, warn
from streamsel.doctor.kafka_rights import KafkaRights

SAFE_REPLICAS = 3
"""One may be away for maintenance while another fails."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One that is there."""

    partitions: int
    replicas: int
    """Of the partition that has the fewest."""
    in_sync: int
    """Likewise, of those that are up to date."""
    min_insync: int | None
    """How many must have a record before it counts; ``None`` where settings may not be read."""
    retention_ms: int | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A topic that is not as it must be."""

    says: str
    mend: str


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """Of the cluster; ``unreachable`` tells why there are no others."""

    servers: str
    unreachable: str = ""
    brokers: int = 0
    session_limits_ms: tuple[int, int] | None = None
    """The shortest and the longest session the brokers take; ``None`` where that may not be read."""
    topics: Mapping[str, Topic | None] = field(default_factory=dict)
    """``None``: not there, or not to be seen."""
    faults: Sequence[Fault] = ()
    denied: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    """By topic, the operations we may not do."""
    denied_groups: AbstractSet[str] = frozenset()


def judge_broker(
    facts: BrokerFacts, rights: KafkaRights, partitions: int, replication_factor: int, session_seconds: float
) -> Iterator[Finding]:
    """``partitions`` and the others are as configured."""
    if facts.unreachable:
        yield fail(
            "kafka.reachable",
            f"no broker answers at {facts.servers}: {facts.unreachable}",
            "set kafka.bootstrap_servers, security_protocol, ssl_ and sasl_ keys to those of a listener of"
            " the brokers, and let this machine through to it",
        )
        return
    yield ok("kafka.reachable", f"{facts.brokers} brokers answer at {facts.servers}")
    yield from _rights(facts, rights)
    yield from _topics(facts, partitions, replication_factor)
    yield from _safety(facts)
    yield from _retention(facts)
    yield _session(facts, session_seconds)


def _rights(facts: BrokerFacts, rights: KafkaRights) -> Iterator[Finding]:
    for topic, operations in rights.topics.items():
        missing = sorted(operations & facts.denied.get(topic, frozenset()))
        if missing:
            wanted = " ".join(f"--operation {one}" for one in missing)
            yield fail(
                "kafka.rights",
                f"not allowed on topic {topic}: {', '.join(missing)}",
                f"kafka-acls.sh --add --allow-principal User:… {wanted} --topic {topic}"
                " (streamsel doctor --acl prints all that are needed)",
            )
    for group in sorted(rights.groups & facts.denied_groups):
        yield fail(
            "kafka.rights",
            f"not allowed to join consumer group {group}",
            f"kafka-acls.sh --add --allow-principal User:… --operation Read --group {group}",
        )
    if not any(facts.denied.values()) and not facts.denied_groups:
        yield ok("kafka.rights", "everything that is done with topics and groups is allowed")


def _topics(facts: BrokerFacts, partitions: int, replication_factor: int) -> Iterator[Finding]:
    missing = [name for name, topic in facts.topics.items() if topic is None]
    if missing:
        yield warn(
            "kafka.topics",
            f"not there yet: {', '.join(missing)}; the service makes them at its start, if it may",
            "streamsel serve, or kafka-topics.sh --create --topic … --replication-factor"
            f" {replication_factor} --partitions {partitions} (decisions as many as events, all others 1)",
        )
    for fault in facts.faults:
        yield fail("kafka.topics", fault.says, fault.mend)
    if not missing and not facts.faults:
        yield ok("kafka.topics", f"all {len(facts.topics)} topics are there, as they must be")


def _safety(facts: BrokerFacts) -> Iterator[Finding]:
    there = {name: topic for name, topic in facts.topics.items() if topic is not None}
    lone = [name for name, topic in there.items() if topic.replicas < SAFE_REPLICAS]
    if lone:
        yield warn(
            "kafka.replication",
            f"with fewer than {SAFE_REPLICAS} copies, a lost disk loses records or stops the service:"
            f" {', '.join(lone)}",
            f"kafka.replication_factor = {SAFE_REPLICAS} before the topics are made; later"
            " kafka-reassign-partitions.sh",
        )
    for name, topic in there.items():
        if topic.replicas >= SAFE_REPLICAS and topic.min_insync is not None and topic.min_insync < 2:
            yield warn(
                "kafka.replication",
                f"{name} confirms a record that one broker has, and that may die with it",
                f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config"
                " min.insync.replicas=2",
            )
        if topic.min_insync is not None and topic.in_sync < topic.min_insync:
            yield fail(
                "kafka.replication",
                f"{name} takes no record: {topic.in_sync} copies are up to date, {topic.min_insync} must be",
                "bring the missing brokers back; kafka-topics.sh --describe --under-min-isr-partitions",
            )
    if there and not lone:
        yield ok("kafka.replication", f"every topic has {SAFE_REPLICAS} copies or more")


def _retention(facts: BrokerFacts) -> Iterator[Finding]:
    """Of events: what a selector has not read when it is deleted is never decided."""
    for name, topic in facts.topics.items():
        if name.endswith("events") and topic is not None and topic.retention_ms is not None:
            hours = topic.retention_ms / 3_600_000
            if 0 <= hours < 24:
                yield warn(
                    "kafka.retention",
                    f"{name} keeps events for {hours:g} hours: after a longer outage some are never decided",
                    f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config"
                    " retention.ms=604800000",
                )
            else:
                yield ok("kafka.retention", f"{name} keeps events long enough for an outage of a day")


def _session(facts: BrokerFacts, session_seconds: float) -> Finding:
    if facts.session_limits_ms is None:
        return unknown(
            "kafka.session",
            "the brokers' limits for kafka.session_seconds may not be read",
            "compare it with group.min.session.timeout.ms and group.max.session.timeout.ms, or allow"
            " DescribeConfigs on the cluster",
        )
    least, most = (limit / 1000 for limit in facts.session_limits_ms)
    if least <= session_seconds <= most:
        return ok("kafka.session", f"the brokers take kafka.session_seconds = {session_seconds:g}")
    return fail(
        "kafka.session",
        f"the brokers take sessions of {least:g} to {most:g} seconds, and kafka.session_seconds is"
        f" {session_seconds:g}: no selector could join",
        f"kafka.session_seconds = {max(least, min(most, session_seconds)):g}",
    )
