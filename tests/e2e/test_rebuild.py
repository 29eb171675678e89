"""Redis lost in mid-shift: ``streamsel desk rebuild`` brings back what nobody has answered, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import pytest
from redis import Redis

from loadtest.outside import counting
from loadtest.outside.command_line import streamsel
from loadtest.outside.desk_store import DeskStore
from loadtest.outside.producing import Producer, over_http
from loadtest.outside.reviewing import Reviewer
from loadtest.outside.service_process import Services, auth
from loadtest.outside.streams import KafkaStreams, RedisStreams, Streams
from loadtest.outside.transactions import LABELS, truth
from loadtest.outside.waiting import until
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka

REVIEWERS = ("ann", "ben", "cat", "dan")
ANSWERS = 60
"""Before the loss, and again after it."""
LOGS = ("events", "decisions", "labels", "dead-letters", "audit", "configurations", "group", "partitions")
"""What the names of keys begin with that are no part of the desk."""


@pytest.mark.kafka
async def test_redis_flushed_beside_kafka(
    services: Services, kafka: LocalKafka | GivenKafka, store: EmbeddedValkey, prefix: str
) -> None:
    """The logs are on Kafka: Redis loses everything."""

    def lose() -> None:
        with Redis.from_url(store.url) as client:
            client.flushall()

    streams = KafkaStreams(kafka.bootstrap_servers, prefix, session_seconds=6.0)
    await lose_and_rebuild(services, streams, store, prefix, lose)


async def test_the_desk_wiped_from_redis_streams(
    services: Services, store: EmbeddedValkey, prefix: str
) -> None:
    """The logs are on the same server, and only they are left."""

    def lose() -> None:
        with Redis.from_url(store.url, decode_responses=True) as client:
            keys = [key for key in client.keys(f"{{{prefix}}}:*") if key.split(":")[1] not in LOGS]
            assert client.delete(*keys) == len(keys) > 0

    await lose_and_rebuild(
        services, RedisStreams(store.url, prefix, session_seconds=6.0), store, prefix, lose
    )


async def lose_and_rebuild(
    services: Services, streams: Streams, store: EmbeddedValkey, prefix: str, lose: Callable[[], None]
) -> None:
    """Loses the desk while events come and reviewers answer, rebuilds it beside them, and counts."""
    secrets: dict[str, str] = {}
    configuration = services.configured(
        {
            **streams.sections,
            "redis": {"url": store.url, "prefix": prefix},
            "labels": LABELS,
            "select": {"budget": 1.0},
            "capacity": {"target_backlog": 60, "fill_seconds": 1.0},
            "auth": auth(secrets, **{**dict.fromkeys(REVIEWERS, "reviewer"), "shop": "producer"}),
        }
    )
    service = services.start(configuration)
    await service.ready()
    send = (
        streams.produce
        if isinstance(streams, KafkaStreams)
        else over_http(lambda: service.url, secrets["shop"])
    )
    # An event that comes again after the loss may be asked about again: nothing remembers it was.
    producer = Producer(send, Random(7), repeated=0.0)
    reviewers = [
        Reviewer(name, secrets[name], lambda: service.url, truth, Random(number))
        for number, name in enumerate(REVIEWERS)
    ]

    def acknowledged() -> int:
        return sum(len(reviewer.acknowledged) for reviewer in reviewers)

    async with asyncio.TaskGroup() as outside:
        producing = outside.create_task(producer.produce())
        for reviewer in reviewers:
            outside.create_task(reviewer.work())
        await until(lambda: acknowledged() >= ANSWERS, what="answers before the loss")
        await asyncio.to_thread(lose)
        answered = await streams.count("labels")
        ran = await streamsel(
            "desk", "rebuild", "-c", str(configuration), "--json", directory=services.directory
        )
        assert ran.status == 0, ran.stderr
        assert ran.json.keys() == {"decisions", "queries", "answered", "expired", "offered"}
        assert ran.json["answered"] >= answered
        assert ran.json["expired"] == 0
        await until(lambda: acknowledged() >= answered + ANSWERS, what="answers after the loss")
        producer.stopping = True
        await producing
        await until(lambda: counting.all_decided(streams), what="all decided")
        await until(streams.fully_committed, what="all committed")
        asked = await counting.decided_once(streams)

        async def all_answered() -> bool:
            return await streams.count("labels") >= len(asked)

        await until(all_answered, what="every query answered", seconds=60.0)
        for reviewer in reviewers:
            reviewer.stopping = True

    log = await counting.labels_kept(
        streams, [answer for reviewer in reviewers for answer in reviewer.acknowledged]
    )
    counting.labelled_once(log)
    assert {label["query_id"] for label in log} == asked.keys()
    states = await asyncio.to_thread(DeskStore(store.url, prefix).states)
    assert set(states.values()) == {"labelled"}
    assert states.keys() <= asked.keys()

    again = await streamsel(
        "desk", "rebuild", "-c", str(configuration), "--json", directory=services.directory
    )
    everything = {"decisions": await streams.count("decisions"), "queries": len(asked)}
    assert again.json == {**everything, "answered": len(asked), "expired": 0, "offered": 0}
