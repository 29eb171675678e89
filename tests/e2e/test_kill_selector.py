"""The selector killed at any moment: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from loadtest.outside import counting
from loadtest.outside.desk_store import DeskStore
from loadtest.outside.producing import Producer, over_http
from loadtest.outside.reviewing import Reviewer
from loadtest.outside.service_process import ServiceProcess, Services, auth
from loadtest.outside.streams import KafkaStreams, RedisStreams, Streams
from loadtest.outside.transactions import LABELS, truth
from loadtest.outside.waiting import until
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka

REVIEWERS = ("ann", "ben", "cat", "dan")


@pytest.mark.slow
@pytest.mark.kafka
async def test_a_selector_killed_at_any_moment_on_kafka_decides_every_event_once(
    services: Services, kafka: LocalKafka | GivenKafka, valkey: EmbeddedValkey, prefix: str
) -> None:
    """12 kills on Kafka: events, queries and labels are all counted, and the model's digest compared."""
    # A broker of someone else's may not allow less than Kafka's default.
    session_seconds = 2.0 if isinstance(kafka, LocalKafka) else 6.0
    streams = KafkaStreams(kafka.bootstrap_servers, prefix, session_seconds)
    await kill_and_count(services, streams, valkey.url, prefix, kills=12)


@pytest.mark.slow
async def test_a_selector_killed_at_any_moment_on_redis_streams_decides_every_event_once(
    services: Services, valkey: EmbeddedValkey, prefix: str
) -> None:
    """10 kills on Redis streams, counted likewise."""
    streams = RedisStreams(valkey.url, prefix, session_seconds=1.5)
    await kill_and_count(services, streams, valkey.url, prefix, kills=10)


async def kill_and_count(
    services: Services, streams: Streams, redis_url: str, prefix: str, kills: int
) -> None:
    """Kills the selector while events come in and labels arrive at a desk of its own; counts all of it."""
    rng = Random(kills)
    secrets: dict[str, str] = {}
    configuration = services.configured(
        {
            **streams.sections,
            "redis": {"url": redis_url, "prefix": prefix},
            "labels": LABELS,
            "select": {"budget": 0.5},
            "capacity": {"target_backlog": 40, "fill_seconds": 1.0, "lease_seconds": 10.0},
            "auth": auth(secrets, **{**dict.fromkeys(REVIEWERS, "reviewer"), "shop": "producer"}),
        }
    )
    desk = services.start(configuration, "desk")
    selector = services.start(configuration, "selector")
    await desk.ready()

    send = (
        streams.produce if isinstance(streams, KafkaStreams) else over_http(lambda: desk.url, secrets["shop"])
    )
    producer = Producer(send, rng)
    reviewers = [
        Reviewer(name, secrets[name], lambda: desk.url, truth, Random(number))
        for number, name in enumerate(REVIEWERS)
    ]
    async with asyncio.TaskGroup() as outside:
        producing = outside.create_task(producer.produce())
        for reviewer in reviewers:
            outside.create_task(reviewer.work())
        await kill(selector, streams, kills, rng)
        producer.stopping = True
        await producing
        await until(lambda: counting.all_decided(streams), what="all decided")
        for reviewer in reviewers:
            reviewer.stopping = True
    await until(streams.fully_committed, what="all committed")

    asked = await counting.decided_once(streams)
    states = await counting.at_the_desk(DeskStore(redis_url, prefix), asked)
    acknowledged = [answer for reviewer in reviewers for answer in reviewer.acknowledged]
    log = await counting.labels_kept(streams, acknowledged)
    counting.labelled_once(log)
    assert {query for query, state in states.items() if state == "labelled"} == {
        one["query_id"] for one in log
    }
    assert await counting.learned(selector, secrets["ann"], streams) == await counting.uninterrupted(
        streams, configuration
    )
    assert len(acknowledged) > 100
    found = sum(line["recorded"] for line in selector.logged_ever("partitions_assigned"))
    assert found > 0, "no kill came between a decision and its commit"


async def kill(selector: ServiceProcess, streams: Streams, kills: int, rng: Random) -> None:
    """Kills it so often, and starts it anew each time: now at its work, now while it is still starting."""
    for _ in range(kills):
        if rng.random() < 0.2:
            await asyncio.sleep(2.0 * rng.random())
        else:
            await decided_more(streams)
            await asyncio.sleep(rng.choice((0.02, 0.3, 1.0)) * rng.random())
        selector.kill()
        selector.start()


async def decided_more(streams: Streams) -> None:
    """Returns once there are more decisions than now."""
    before = await streams.count("decisions")

    async def more() -> bool:
        return await streams.count("decisions") > before

    await until(more, what="a decision after the restart")
