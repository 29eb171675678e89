"""The topics streamsel needs: made when missing, checked when there."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from streamsel.adapters.kafka import LARGEST_BATCH, KafkaCluster, kafka_errors_as
from streamsel.ports import SourceUnavailable, TopicRefused

_READY_SECONDS = 10.0

_LARGEST_BATCH = {"max.message.bytes": str(LARGEST_BATCH)}
_KEPT_FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
_OF_EVERY_LABEL = "the model is made of all labels"
_OF_EVERY_ENTRY = "the audit log proves itself by all entries"
_OF_EVERY_CONFIGURATION = "decisions refer to what was configured by its id"
_OF_EVERY_EVENT = "quality is told of all events since the first"


@dataclass(frozen=True, slots=True)
class KafkaTopics:
    """The names of the topics, all with one prefix."""

    events: str
    decisions: str
    labels: str
    dead_letters: str
    audit: str
    configurations: str
    summaries: str
    outcomes: str

    @classmethod
    def under(cls, prefix: str, epoch: int = 1) -> KafkaTopics:
        """``epoch`` is that of the label log."""
        names = (
            "events",
            "decisions",
            "labels",
            "dead-letters",
            "audit",
            "configurations",
            "summaries",
            "outcomes",
        )
        topics = cls(*(prefix + name for name in names))
        return topics if epoch == 1 else replace(topics, labels=f"{topics.labels}.{epoch}")

    @property
    def kept(self) -> Mapping[str, str]:
        """Those of one partition that are kept for ever, and why."""
        return {
            self.labels: _OF_EVERY_LABEL,
            self.audit: _OF_EVERY_ENTRY,
            self.configurations: _OF_EVERY_CONFIGURATION,
            self.summaries: _OF_EVERY_EVENT,
        }


@dataclass(frozen=True, slots=True)
class TopicFault:
    """What is wrong with a topic that is there, and the mend."""

    topic: str
    says: str
    mend: str


def topic_faults(
    topics: KafkaTopics, counts: Mapping[str, int], settings: Mapping[str, Mapping[str, str]]
) -> Iterator[TopicFault]:
    """All that is wrong with the topics that are there: their partitions by ``counts``, their ``settings``
    where those could be read."""
    for topic, reason in topics.kept.items():
        if counts.get(topic, 1) != 1:
            yield TopicFault(
                topic,
                f"{topic} has {counts[topic]} partitions and must have 1, for {reason} in their order",
                "Partitions cannot be taken away: choose another prefix",
            )
    decisions, events = counts.get(topics.decisions), counts.get(topics.events)
    if decisions is not None and events is not None and decisions < events:
        yield TopicFault(
            topics.decisions,
            f"{topics.decisions} has {decisions} partitions and must have at least {events}, as many as"
            f" {topics.events}",
            f"kafka-topics.sh --alter --topic {topics.decisions} --partitions {events}",
        )
    for topic, reason in topics.kept.items():
        for setting, wanted in _KEPT_FOR_EVER.items():
            value = settings.get(topic, _KEPT_FOR_EVER)[setting]
            if value != wanted:
                yield _setting_fault(topic, setting, value, wanted, reason)
    for topic in (topics.decisions, topics.dead_letters, *topics.kept):
        for setting, wanted in _LARGEST_BATCH.items():
            value = settings.get(topic, _LARGEST_BATCH)[setting]
            if int(value) < int(wanted):
                yield _setting_fault(topic, setting, value, wanted, "a large event would not pass")


async def ensure_topics(
    cluster: KafkaCluster, topics: KafkaTopics, *, partitions: int = 1, replication_factor: int = 1
) -> int:
    """Makes what is missing, with ``partitions`` for events and decisions, and checks what is there; returns
    how many partitions of decisions there are.

    With three replicas or more, a topic made here takes a record only when two have it.

    Raises ``TopicRefused`` for a label log that is compacted, divided or not kept for ever, for fewer
    decision partitions than event partitions, and for a topic that takes no record as large as ours get.
    Raises ``SourceUnavailable`` when no broker answers.
    """
    with kafka_errors_as(SourceUnavailable, f"checking topics at {cluster.bootstrap_servers}"):
        admin = cluster.admin()
        try:
            await admin.start()
            safety = _safety(replication_factor)

            async def made(wanted: Mapping[str, tuple[int, Mapping[str, str]]]) -> dict[str, int]:
                """Partitions of each."""
                there = await _partition_counts(admin, wanted)
                missing = [
                    NewTopic(name, count, replication_factor, topic_configs={**settings, **safety})
                    for name, (count, settings) in wanted.items()
                    if name not in there
                ]
                if missing:
                    await _create(admin, missing)
                    there = await _wait_for(admin, wanted)
                return there

            # One that has just been made elsewhere may not be seen yet; it is, once it was tried to make it.
            there = await made({topics.events: (partitions, {})})
            there |= await made(
                {
                    topics.decisions: (there[topics.events], _LARGEST_BATCH),
                    topics.dead_letters: (1, _LARGEST_BATCH),
                    topics.outcomes: (1, {}),
                    **dict.fromkeys(topics.kept, (1, _KEPT_FOR_EVER | _LARGEST_BATCH)),
                }
            )
            settings = await topic_settings(admin, _names(topics))
            for fault in topic_faults(topics, there, settings):
                raise TopicRefused(f"{fault.says}: {fault.mend}")
            return there[topics.decisions]
        finally:
            await admin.close()


async def ensure_kept(cluster: KafkaCluster, topic: str, replication_factor: int = 1) -> None:
    """Makes a topic of one partition that is kept for ever, if it is missing; returns when it is ready."""
    with kafka_errors_as(SourceUnavailable, f"making sure of {topic} at {cluster.bootstrap_servers}"):
        admin = cluster.admin()
        try:
            await admin.start()
            if not await _is_ready(admin, topic):
                settings = _KEPT_FOR_EVER | _LARGEST_BATCH | _safety(replication_factor)
                await _create(admin, [NewTopic(topic, 1, replication_factor, topic_configs=settings)])
                async with asyncio.timeout(_READY_SECONDS):
                    while True:
                        if await _is_ready(admin, topic):
                            break
                        await asyncio.sleep(0.05)
        finally:
            await admin.close()


async def _is_ready(admin: AIOKafkaAdminClient, topic: str) -> bool:
    (described,) = await admin.describe_topics([topic])
    return described["error_code"] == NoError.errno and all(p["leader"] >= 0 for p in described["partitions"])


def _safety(replication_factor: int) -> dict[str, str]:
    return {"min.insync.replicas": "2"} if replication_factor > 2 else {}


def _setting_fault(topic: str, setting: str, value: str, wanted: str, reason: str) -> TopicFault:
    return TopicFault(
        topic,
        f"{topic} has {setting}={value} and must have {setting}={wanted}, for {reason}",
        f"kafka-configs.sh --alter --entity-type topics --entity-name {topic}"
        f" --add-config {setting}={wanted}",
    )


async def _partition_counts(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, int]:
    """Of those topics that are there and ready for use."""
    described = await admin.describe_topics(list(names))
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in described
        if topic["error_code"] == NoError.errno and all(p["leader"] >= 0 for p in topic["partitions"])
    }


async def _create(admin: AIOKafkaAdminClient, missing: list[NewTopic]) -> None:
    response = await admin.create_topics(missing)
    for name, code, *message in response.topic_errors:
        # Another process that starts with us may have made it first.
        if code not in (NoError.errno, TopicAlreadyExistsError.errno):
            raise for_code(code)(f"creating {name}: {message}")


async def _wait_for(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, int]:
    async with asyncio.timeout(_READY_SECONDS):
        while True:
            there = await _partition_counts(admin, names)
            if len(there) == len(names):
                return there
            await asyncio.sleep(0.05)


async def topic_settings(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, dict[str, str]]:
    """The settings of each topic. Raises ``KafkaError`` where they can't be read."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    settings: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for code, message, _, name, entries in response.resources:
            if code != NoError.errno:
                raise KafkaError(f"describing {name}: {message}")
            settings[name] = {entry[0]: entry[1] for entry in entries}
    return settings


def _names(topics: KafkaTopics) -> list[Any]:
    return list(astuple(topics))
