"""What selectors say of their models, on every server that holds a desk."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest
import redis.asyncio

from streamsel.adapters.redis_replicas import RedisReplicas
from streamsel.ports.replicas import LIVE_SECONDS, Replica
from streamsel.review.refusals import DeskUnreachable
from tests.servers import running_valkey

_SERVERS = [pytest.param("valkey"), pytest.param("redis_server", marks=pytest.mark.redis)]


@pytest.fixture(params=_SERVERS)
async def client(request: pytest.FixtureRequest) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis.from_url(request.getfixturevalue(request.param).url) as made:
        yield made


async def test_each_says_its_last_and_all_read_it(client: redis.asyncio.Redis, prefix: str) -> None:
    """By name; under other prefixes others."""
    one, other = RedisReplicas(client, prefix), RedisReplicas(client, prefix)
    assert await one.live() == []
    await other.publish(Replica("b", "spec", {100: "x", 205: "y"}))
    await one.publish(Replica("a", "spec", {0: "z"}))
    await one.publish(Replica("a", "spec", {100: "z"}))
    assert await one.live() == [Replica("a", "spec", {100: "z"}), Replica("b", "spec", {100: "x", 205: "y"})]
    assert (await other.live())[1].version == 205
    assert await RedisReplicas(client, prefix + "-other").live() == []


async def test_one_that_says_no_more_is_forgotten(client: redis.asyncio.Redis, prefix: str) -> None:
    """By the server's clock alone."""
    replicas = RedisReplicas(client, prefix)
    await replicas.publish(Replica("a", "spec", {1: "x"}))
    now, _ = await client.time()
    old = orjson.dumps([now - LIVE_SECONDS - 5, "spec", {"1": "x"}])
    await client.hset(f"{{{prefix}}}:replicas", "b", old)
    assert [one.name for one in await replicas.live()] == ["a"]
    assert await client.hlen(f"{{{prefix}}}:replicas") == 1


async def test_a_server_that_is_gone_is_told_as_the_desks_is(prefix: str) -> None:
    """Whoever publishes goes on without."""
    with running_valkey() as server:
        url = server.url
    async with redis.asyncio.Redis.from_url(url) as client:
        replicas = RedisReplicas(client, prefix)
        with pytest.raises(DeskUnreachable):
            await replicas.publish(Replica("a", "spec", {1: "x"}))
        with pytest.raises(DeskUnreachable):
            await replicas.live()
