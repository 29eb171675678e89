"""Waiting for work, across processes and lost connections."""

from __future__ import annotations

import asyncio

import pytest

from streamsel.adapters.redis_desk import RedisReviewQueue
from tests.contracts.review_queue.stores import LEASE, Store, claimed, query


async def wakes(store: Store, waiter: RedisReviewQueue) -> asyncio.Task[None]:
    """Waits for work, the subscription being there already."""
    await waiter.wait_for_work(10)
    waiting = asyncio.create_task(waiter.wait_for_work(10))
    await store.queue.settled()
    assert not waiting.done()
    return waiting


@pytest.mark.parametrize("cause", ["offer", "release", "escalate", "lapse"])
async def test_waiting_ends_at_once_when_there_is_work(store: Store, cause: str) -> None:
    """At another desk than the one by which the query came."""
    claim = None if cause == "offer" else await claimed(store)
    other = await store.another_queue()
    async with asyncio.timeout(8):
        waiting = await wakes(store, other)
        if claim is None:
            await store.queue.offer([query(1)])
        elif cause == "release":
            await store.queue.release(claim.query.query_id, claim.fence, "ann")
        elif cause == "escalate":
            await store.queue.escalate(claim.query.query_id, claim.fence, "ann", "unsure")
        else:
            await store.advance(LEASE)
            await store.queue.sweep()
        await waiting
    await other.close()


async def test_waiting_ends_after_its_time(store: Store) -> None:
    """Without work, too."""
    await store.queue.wait_for_work(10)
    before = asyncio.get_running_loop().time()
    await store.queue.wait_for_work(0.05)
    assert 0.04 < asyncio.get_running_loop().time() - before < 5


async def test_a_lost_subscription_wakes_who_waits_and_comes_back(store: Store) -> None:
    """Word may have been lost meanwhile, so whoever waits looks again; later word arrives."""
    async with asyncio.timeout(10):
        waiting = await wakes(store, store.queue)
        await store.client.client_kill_filter(_type="pubsub")
        await waiting
        again = asyncio.create_task(store.queue.wait_for_work(10))
        await store.queue.settled()
        await store.queue.offer([query(1)])
        await again
