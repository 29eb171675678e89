"""The desk and its store killed while people label: no label lost or counted twice, no query stuck."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
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

REVIEWERS = ("ann", "ben", "cat", "dan", "eve", "fay")
KILLS = 8
STORE_KILLED_AFTER = (2, 4, 6)
"""The store is killed as well, after so many kills of the desk."""
DRAIN_SECONDS = 75.0
"""Longer than a recording nobody comes back to takes to lapse."""


@pytest.mark.slow
@pytest.mark.kafka
async def test_a_desk_killed_between_kafka_and_redis_keeps_every_label(
    services: Services, kafka: LocalKafka | GivenKafka, store: EmbeddedValkey, prefix: str
) -> None:
    """The label log lives on, the store may be killed: labels, queries and the model are all counted."""
    streams = KafkaStreams(kafka.bootstrap_servers, prefix, session_seconds=6.0)
    await kill_and_count(services, streams, store, prefix)


@pytest.mark.slow
async def test_a_desk_killed_on_redis_streams_keeps_every_label(
    services: Services, store: EmbeddedValkey, prefix: str
) -> None:
    """Log and store are one server, killed as a whole; counted likewise."""
    await kill_and_count(services, RedisStreams(store.url, prefix, session_seconds=6.0), store, prefix)


async def kill_and_count(services: Services, streams: Streams, store: EmbeddedValkey, prefix: str) -> None:
    """Kills desk and store while reviewers answer, lets them finish, and counts."""
    rng = Random(7)
    secrets: dict[str, str] = {}
    configuration = services.configured(
        {
            **streams.sections,
            "redis": {"url": store.url, "prefix": prefix},
            "labels": LABELS,
            "select": {"budget": 1.0},
            "capacity": {
                "target_backlog": 60,
                "fill_seconds": 1.0,
                "lease_seconds": 2.0,
                "attempts": 1_000,
            },
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
        Reviewer(name, secrets[name], lambda: desk.url, truth, Random(number), gives_up=0.2)
        for number, name in enumerate(REVIEWERS)
    ]
    desk_store = DeskStore(store.url, prefix)
    async with asyncio.TaskGroup() as outside:
        producing = outside.create_task(producer.produce())
        for reviewer in reviewers:
            outside.create_task(reviewer.work())
        await kill(desk, store, reviewers, rng)
        producer.stopping = True
        await producing
        await until(lambda: counting.all_decided(streams), what="all decided")
        await until(streams.fully_committed, what="all committed")

        async def all_labelled() -> bool:
            states = await asyncio.to_thread(desk_store.states)
            return set(states.values()) == {"labelled"}

        await until(all_labelled, what="no query stuck", seconds=DRAIN_SECONDS)
        for reviewer in reviewers:
            reviewer.stopping = True

    asked = await counting.decided_once(streams)
    states = await counting.at_the_desk(desk_store, asked)
    acknowledged = [answer for reviewer in reviewers for answer in reviewer.acknowledged]
    log = await counting.labels_kept(streams, acknowledged)
    counting.labelled_once(log)
    assert {one["query_id"] for one in log} == states.keys()
    assert len(acknowledged) <= len(log) <= len(acknowledged) + sum(one.given_up for one in reviewers)
    assert await counting.learned(selector, secrets["ann"], streams) == await counting.uninterrupted(
        streams, configuration
    )


async def kill(
    desk: ServiceProcess, store: EmbeddedValkey, reviewers: Sequence[Reviewer], rng: Random
) -> None:
    """Kills the desk ``KILLS`` times, the store now and then, each while answers are coming in."""
    for kills in range(1, KILLS + 1):
        await answers(reviewers, rng.randint(1, 100))
        desk.kill()
        desk.start()
        if kills in STORE_KILLED_AFTER:
            await answers(reviewers, rng.randint(1, 100))
            store.kill()
            await asyncio.sleep(rng.random())
            store.start()
    await answers(reviewers, 1)


async def answers(reviewers: Sequence[Reviewer], count: int) -> None:
    """Returns once so many more answers are acknowledged than now."""

    def acknowledged() -> int:
        return sum(len(reviewer.acknowledged) for reviewer in reviewers)

    wanted = acknowledged() + count
    await until(lambda: acknowledged() >= wanted, what=f"{count} answers taken")
