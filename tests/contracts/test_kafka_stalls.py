"""aiokafka consumers that stand still and say nothing: they are given up, and others go on in their place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from streamsel.adapters import kafka_log
from streamsel.adapters.kafka import KafkaCluster
from streamsel.adapters.kafka_log import KafkaLabelLog
from streamsel.adapters.kafka_topics import ensure_kept
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.review.refusals import LabelLogUnreachable
from tests.servers import GivenKafka

pytestmark = pytest.mark.kafka


@dataclass
class Watched:
    """A label log, and the topics of the clients given up."""

    log: KafkaLabelLog
    topic: str
    stalled: list[str]


@pytest.fixture
async def watched(kafka: LocalKafka | GivenKafka, prefix: str) -> AsyncIterator[Watched]:
    stalled: list[str] = []
    cluster = KafkaCluster(kafka.bootstrap_servers, stalled=stalled.append)
    topic = f"{prefix}.labels"
    await ensure_kept(cluster, topic, 1)
    log = KafkaLabelLog(cluster, topic)
    try:
        yield Watched(log, topic, stalled)
    finally:
        await log.close()


async def test_a_reader_that_brings_nothing_of_what_is_there_is_replaced(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its fetching has died, as after some restarts of a broker: the follower is told, and then reads on."""
    monkeypatch.setattr(kafka_log, "_STALL_SECONDS", 0.3)
    log = watched.log
    await log.append([b"one"])
    assert await log.read(0, 10, 5.0) == [(0, b"one")]
    (consumers,) = log._idle.values()
    for consumer in consumers:
        consumer._fetcher._fetch_task.cancel()
    await log.append([b"two"])

    async def follow() -> None:
        while not await log.read(1, 10, 0.2):
            pass

    with pytest.raises(LabelLogUnreachable, match="records wait"):
        await asyncio.wait_for(follow(), 60.0)
    assert watched.stalled == [watched.topic]
    assert await log.read(1, 10, 10.0) == [(1, b"two")]


async def test_a_reader_with_nothing_to_read_is_left_alone(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the log there is nothing to bring."""
    monkeypatch.setattr(kafka_log, "_STALL_SECONDS", 0.1)
    await watched.log.append([b"one"])
    for _ in range(10):
        assert await watched.log.read(1, 10, 0.05) == []
    assert not watched.stalled
