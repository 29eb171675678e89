"""Who delivers a stream, and how far it is delivered."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streamsel.adapters.redis_positions import RedisDeliveryPositions
from streamsel.review.refusals import DeskUnreachable


async def test_one_holder_at_a_time(positions: RedisDeliveryPositions) -> None:
    """Others are told so, and what they note does not count."""
    assert await positions.hold("s", "a", 60.0) == -1
    assert await positions.hold("s", "b", 60.0, 7) is None
    assert await positions.hold("s", "a", 60.0) == -1
    assert await positions.hold("s", "a", 60.0, 3) == 3
    assert await positions.hold("another", "b", 60.0) == -1


async def test_a_hold_ends_and_the_position_stays(positions: RedisDeliveryPositions) -> None:
    """So that another process goes on where the first one was."""
    assert await positions.hold("s", "a", 0.001, 3) == 3
    async with asyncio.timeout(30):
        while (found := await positions.hold("s", "b", 60.0)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert found == 3


async def test_without_its_store_it_says_so() -> None:
    """As everything at the desk does."""
    async with Redis.from_url("redis://127.0.0.1:9", retry=Retry(NoBackoff(), 0)) as client:
        with pytest.raises(DeskUnreachable):
            await RedisDeliveryPositions(client, "p").hold("s", "a", 1.0)
