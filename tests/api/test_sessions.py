"""Sessions by themselves, in a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_sessions import RedisSessionStore
from streamsel.api.callers import Caller
from streamsel.api.sessions import LINK_HOLDER, OneTimeLink, Sessions
from streamsel.review.refusals import DeskUnreachable

ANA = Caller("ana", "lead", 2, ["default", "german"])


class Time:
    """Moved by hand."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def client(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    client = Redis.from_url(valkey.url)
    yield client
    await client.aclose()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def sessions(client: Redis, prefix: str, time: Time) -> Sessions:
    return Sessions(RedisSessionStore(client, prefix), session_seconds=3_600.0, idle_seconds=600.0, now=time)


async def test_a_session_knows_who_works_in_it(sessions: Sessions) -> None:
    """With role, tier and queues; each has an id of its own, of 256 bits."""
    one, other = await sessions.open(ANA), await sessions.open(LINK_HOLDER)
    assert len(one) == 43
    assert one != other
    assert await sessions.caller(one) == ANA
    assert await sessions.caller(other) == LINK_HOLDER


async def test_no_other_text_is_a_session(sessions: Sessions) -> None:
    """Unknown and empty ones."""
    await sessions.open(ANA)
    for text in ("", "x" * 43, "\udcff"):
        assert await sessions.caller(text) is None


async def test_a_session_ends_however_much_it_is_used(sessions: Sessions, time: Time) -> None:
    """After its time and not a moment before."""
    session = await sessions.open(ANA)
    time.now += 3_599.0
    assert await sessions.caller(session) == ANA
    time.now += 1.0
    assert await sessions.caller(session) is None


async def test_the_store_forgets_a_session_that_is_not_used(
    sessions: Sessions, client: Redis, prefix: str
) -> None:
    """Every use gives it the idle time anew."""
    session = await sessions.open(ANA)
    (key,) = [key async for key in client.scan_iter(f"*{prefix}*:session:*")]
    await client.expire(key, 5)
    assert await sessions.caller(session) == ANA
    assert await client.ttl(key) > 500


async def test_a_closed_session_is_over(sessions: Sessions) -> None:
    """Closing one that is not there changes nothing."""
    session = await sessions.open(ANA)
    await sessions.close("another")
    assert await sessions.caller(session) == ANA
    await sessions.close(session)
    assert await sessions.caller(session) is None


async def test_the_one_time_token_opens_one_session(sessions: Sessions) -> None:
    """Used up at once, whoever else comes at the same moment; a wrong one uses up nothing."""
    link = OneTimeLink("the token")
    assert await link.open("another token", sessions) is None
    assert await link.open("", sessions) is None
    opened = await asyncio.gather(*(link.open("the token", sessions) for _ in range(5)))
    assert [session is None for session in opened].count(False) == 1


async def test_a_store_that_is_away_does_not_use_up_the_token(sessions: Sessions) -> None:
    """The link works once the store is back."""
    link = OneTimeLink("the token")
    nowhere = Redis.from_url("redis://127.0.0.1:1")
    away = Sessions(RedisSessionStore(nowhere, "x"), 3_600.0, 600.0, Time())
    with pytest.raises(DeskUnreachable):
        await link.open("the token", away)
    assert await link.open("the token", sessions) is not None
    await nowhere.aclose()
