"""Queries forgotten, in whatever state they are."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streamsel.adapters.redis_erasure import RedisErasure
from streamsel.ports import Answer, Recording
from streamsel.review.refusals import UnknownQuery
from streamsel.review.routing import Routing
from tests.contracts.review_queue.stores import ANN, BOB, PAIRS, SETTINGS, Store, empty_store, query


def erasure(store: Store) -> RedisErasure:
    """On the same store, by the same clock."""
    made = RedisErasure(store.client, "test", SETTINGS, store.routing or Routing())
    made._call = store.queue._call
    return made


@pytest.fixture
async def pairs(server: str) -> AsyncIterator[Store]:
    async with empty_store(server, routing=PAIRS) as store:
        yield store


async def test_what_is_forgotten_was_never_there(store: Store) -> None:
    """Waiting, held, being recorded, answered: its hash is gone, and from sets, counts and answers; the rest
    stays. I1 is checked in the end."""
    queue = store.queue
    for number in range(1, 5):  # one at a time, so that it is known which is claimed
        await queue.offer([query(number)])
        if number < 4:
            (claim,) = await queue.claim(ANN, [], 1)
            if number > 1:
                opened = await queue.begin(claim.query.query_id, claim.fence, "ann", "fraud", f"{number}")
                assert isinstance(opened, Recording)
            if number == 3:
                await queue.settle([Answer("q0003", "fraud", "ann", 7)], 8)
    await queue.offer([query(5)])
    forgetting = erasure(store)
    assert {one async for one in _ids(forgetting)} == {f"q000{number}" for number in range(1, 6)}
    assert await forgetting.forget(["q0001", "q0002", "q0003", "q0004", "unheard-of"]) == 4
    assert {one async for one in _ids(forgetting)} == {"q0005"}
    assert await queue.answers("ann") == []
    for number in range(1, 5):
        with pytest.raises(UnknownQuery):
            await queue.view(f"q000{number}")
    (claim,) = await queue.claim(BOB, [], 5)
    assert claim.query == query(5)
    assert await queue.offer([query(1)]) == 1


async def test_all_slots_of_a_query_are_forgotten(pairs: Store) -> None:
    """One held, one with its opinion, and one whose opinions wait to be resolved."""
    queue = pairs.queue
    await queue.offer([query(1)])
    await queue.claim(ANN, [], 1)
    await queue.settle([Answer("q0001", "fraud", "ann", 0, kind="overlap")])
    await queue.claim(BOB, [], 1)
    await queue.offer([query(2)])
    await queue.settle(
        [
            Answer("q0002", "fraud", name, slot, kind="overlap", slot=slot)
            for slot, name in ((1, "ann"), (2, "bob"))
        ]
    )
    assert [view.query.query_id for view in await queue.complete(5)] == ["q0002"]
    assert await erasure(pairs).forget(["q0001", "q0002"]) == 2
    assert await queue.complete(5) == []
    assert await pairs.client.keys("{test}:query:*") == []


async def test_positions_are_carried_over_into_another_epoch(store: Store) -> None:
    """The desk's and each webhook's, each to where the new log has the same record; the old ones stay."""
    await store.queue.settle([], 40)
    await store.client.set("{test}:webhooks:abc:labels:delivered", 30)
    await store.client.set("{test}:webhooks:abc:decisions:0:delivered", 30)
    await erasure(store).carry_over(1, 2, lambda offset: offset - 10)
    assert (await store.queue.settled()).position == 40
    assert await store.client.hget("{test}:desk", "settled:2") == b"30"
    assert await store.client.get("{test}:webhooks:abc:labels.2:delivered") == b"20"
    assert await store.client.get("{test}:webhooks:abc:labels:delivered") == b"30"
    assert len(await store.client.keys("{test}:webhooks:*")) == 3


async def _ids(forgetting: RedisErasure) -> AsyncIterator[str]:
    async for one in forgetting.queries():
        yield one.query_id
