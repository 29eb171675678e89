"""Events, decisions, labels and dead letters: on Kafka, or on Redis streams."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiokafka.helpers import create_ssl_context

from streamsel.adapters.kafka import KafkaCluster
from streamsel.adapters.kafka_epochs import KafkaEpochs
from streamsel.adapters.kafka_log import KafkaKeptLog, KafkaLabelLog, KafkaLogReader
from streamsel.adapters.kafka_sinks import KafkaDeadLetterSink, KafkaDecisionSink, KafkaEventIntake
from streamsel.adapters.kafka_source import KafkaEventSource
from streamsel.adapters.kafka_topics import KafkaTopics, ensure_topics
from streamsel.adapters.redis_epochs import RedisEpochs
from streamsel.adapters.redis_outcomes import OutcomeStreams
from streamsel.adapters.redis_streams import RedisStreams, ensure_streams
from streamsel.adapters.redis_streams_log import RedisKeptLog, RedisLabelLog, RedisLogReader
from streamsel.adapters.redis_streams_sinks import RedisDeadLetterSink, RedisDecisionSink, RedisEventIntake
from streamsel.adapters.redis_streams_source import RedisEventSource
from streamsel.config.servers import Kafka
from streamsel.ports import (
    AuditLog,
    DeadLetterSink,
    DecisionSink,
    EventIntake,
    EventSource,
    KeptLog,
    LabelLog,
    LogReader,
)
from streamsel.ports.epochs import Epochs


@dataclass(frozen=True, slots=True)
class Logs:
    """One adapter for each log port, all on the same servers."""

    kind: str
    source: EventSource
    intake: EventIntake
    decisions: DecisionSink
    decision_readers: Sequence[LogReader]
    """By partition."""
    labels: LabelLog
    epoch: int
    """Of the label log."""
    dead_letters: DeadLetterSink
    audit: AuditLog
    configurations: KeptLog
    summaries: KeptLog
    outcomes: EventSource
    outcomes_intake: EventIntake

    async def close(self) -> None:
        """The sources are stopped by who started them."""
        kept = [self.labels, self.audit, self.configurations, self.summaries]
        sinks: list[EventIntake | DecisionSink | DeadLetterSink] = [
            self.intake,
            self.outcomes_intake,
            self.decisions,
            self.dead_letters,
        ]
        readers: list[LogReader] = [*self.decision_readers, *kept]
        await asyncio.gather(*(sink.close() for sink in sinks), *(reader.close() for reader in readers))


async def kafka_logs(settings: Kafka, stalled: Callable[[str], None] = lambda _: None) -> Logs:
    """Topics made or checked; raises ``TopicRefused``, or ``SourceUnavailable`` when no broker answers.

    ``stalled`` is told the topic of each client that is given up because nothing moved."""
    cluster = replace(kafka_cluster(settings), stalled=stalled)
    epochs = KafkaEpochs(cluster, settings.prefix, replication_factor=settings.replication_factor)
    epoch = await _in_force(epochs)
    topics = KafkaTopics.under(settings.prefix, epoch)
    partitions = await ensure_topics(
        cluster, topics, partitions=settings.partitions, replication_factor=settings.replication_factor
    )
    return Logs(
        kind="kafka",
        source=KafkaEventSource(
            cluster, topics.events, settings.group, session_seconds=settings.session_seconds
        ),
        intake=KafkaEventIntake(cluster, topics.events),
        decisions=KafkaDecisionSink(cluster, topics.decisions),
        decision_readers=[KafkaLogReader(cluster, topics.decisions, part) for part in range(partitions)],
        labels=KafkaLabelLog(cluster, topics.labels),
        epoch=epoch,
        dead_letters=KafkaDeadLetterSink(cluster, topics.dead_letters),
        audit=KafkaKeptLog(cluster, topics.audit),
        configurations=KafkaKeptLog(cluster, topics.configurations),
        summaries=KafkaKeptLog(cluster, topics.summaries, whole=False),
        outcomes=KafkaEventSource(
            cluster,
            topics.outcomes,
            f"{settings.group}-outcomes",
            session_seconds=settings.session_seconds,
        ),
        outcomes_intake=KafkaEventIntake(cluster, topics.outcomes),
    )


async def redis_logs(url: str, prefix: str, settings: Kafka) -> Logs:
    """On a Redis 7 or Valkey server; raises ``TopicRefused`` when it would not keep the label log."""
    streams, partitions = RedisStreams(url, prefix), settings.partitions
    outcomes = OutcomeStreams(url, prefix)
    await ensure_streams(streams, partitions=partitions)
    epoch = await _in_force(RedisEpochs(streams))
    return Logs(
        kind="redis",
        source=RedisEventSource(streams, partitions, settings.group, lease_seconds=settings.session_seconds),
        intake=RedisEventIntake(streams, partitions),
        decisions=RedisDecisionSink(streams),
        decision_readers=[RedisLogReader(streams, streams.decisions(part)) for part in range(partitions)],
        labels=RedisLabelLog(streams, epoch),
        epoch=epoch,
        dead_letters=RedisDeadLetterSink(streams),
        audit=RedisKeptLog(streams, streams.audit),
        configurations=RedisKeptLog(streams, streams.configurations),
        summaries=RedisKeptLog(streams, streams.summaries, whole=False),
        outcomes=RedisEventSource(
            outcomes,
            1,
            f"{settings.group}-outcomes",
            lease_seconds=settings.session_seconds,
        ),
        outcomes_intake=RedisEventIntake(outcomes, 1),
    )


def kafka_cluster(settings: Kafka) -> KafkaCluster:
    """Where the brokers are, and how to speak to them."""
    return KafkaCluster(settings.bootstrap_servers or "", _client_options(settings))


async def _in_force(epochs: Epochs) -> int:
    try:
        return await epochs.current()
    finally:
        await epochs.close()


def _client_options(settings: Kafka) -> dict[str, Any]:
    options: dict[str, Any] = {"security_protocol": settings.security_protocol}
    if "SSL" in settings.security_protocol:
        options["ssl_context"] = create_ssl_context(
            cafile=settings.ssl_cafile, certfile=settings.ssl_certfile, keyfile=settings.ssl_keyfile
        )
    if settings.sasl_mechanism is not None:
        password = settings.sasl_password
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": None if password is None else password.get_secret_value(),
        }
    return options
