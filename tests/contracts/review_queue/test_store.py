"""The server underneath: what it must be, and what happens when it fails."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from streamsel.adapters.redis_desk import RedisReviewQueue
from streamsel.ports import StoreRefused
from streamsel.review.refusals import DeskUnreachable
from tests.contracts.review_queue.stores import ANN, SETTINGS, Store, connect, query


async def test_the_store_may_forget_the_script(store: Store) -> None:
    """After a restart of the server the script is loaded again by itself."""
    await store.queue.offer([query(1)])
    await store.client.function_flush()
    assert len(await store.queue.claim(ANN, ["default"], 1)) == 1


async def test_out_of_memory_nothing_is_changed(store: Store) -> None:
    """A store without room refuses whole calls: no query is lost half way."""
    await store.queue.offer([query(1)])
    await store.client.config_set("maxmemory", "1")
    try:
        with pytest.raises(DeskUnreachable):
            await store.queue.claim(ANN, ["default"], 1)
    finally:
        await store.client.config_set("maxmemory", "0")
    assert len(await store.queue.claim(ANN, ["default"], 1)) == 1


async def test_a_store_that_evicts_is_refused(store: Store) -> None:
    """Evicting keys would lose queries silently; the message names the setting."""
    await store.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(StoreRefused, match=r"maxmemory-policy is allkeys-lru.*must be noeviction"):
            await store.queue.check()
    finally:
        await store.client.config_set("maxmemory-policy", "noeviction")


async def test_a_store_that_does_not_persist_is_warned_of(store: Store) -> None:
    """Once at the start, and not when it does."""
    with capture_logs() as logs:
        await store.queue.check()
    assert [entry["event"] for entry in logs] == ["desk_store_not_persistent"]
    await store.client.config_set("appendonly", "yes")
    try:
        with capture_logs() as logs:
            await store.queue.check()
        assert logs == []
    finally:
        await store.client.config_set("appendonly", "no")


async def test_an_unreachable_store_is_told_as_such() -> None:
    """Every call, in the desk's own words rather than the client library's."""
    async with connect("unix:///nonexistent/socket") as client:
        queue = RedisReviewQueue(client, "test", SETTINGS)
        for call in (
            queue.check(),
            queue.offer([query(1)]),
            queue.claim(ANN, ["default"], 1),
            queue.begin("q0001", 1, "ann", "fraud", "key"),
            queue.settle([]),
            queue.settled(),
            queue.sweep(),
            queue.view("q0001"),
            queue.status(),
            queue.report("selector", 1.0),
        ):
            with pytest.raises(DeskUnreachable):
                await call
