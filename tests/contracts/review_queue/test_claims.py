"""Offers, claims and expiry: which query goes to whom, and when."""

from __future__ import annotations

import asyncio

import pytest

from streamsel.ports import Answer
from streamsel.review.lifecycle import State
from streamsel.review.refusals import UnknownQueue
from streamsel.review.reviewers import Reviewer
from tests.contracts.review_queue.stores import (
    ANN,
    EXPIRE,
    LEASE,
    SETTINGS,
    Store,
    begin,
    claimed,
    query,
    recorded,
)


async def test_i9_a_query_offered_again_adds_nothing_in_any_state(store: Store) -> None:
    """A redelivered event adds no query: not while it waits, is held, or is finished."""
    assert await store.queue.offer([query(1), query(2), query(1)]) == 2
    assert await store.queue.offer([query(1)]) == 0
    (claim,) = await store.queue.claim(ANN, ["default"], 1)
    assert await store.queue.offer([claim.query]) == 0
    await begin(store, claim, "fraud")
    assert await store.queue.offer([claim.query]) == 0
    await store.queue.settle([Answer(claim.query.query_id, "fraud", "ann", 0)], 1)
    await store.advance(EXPIRE)
    await store.queue.sweep()
    assert await store.queue.offer([query(1), query(2)]) == 0
    assert await store.queue.claim(ANN, ["default"], 9) == []


async def test_a_claim_returns_the_query_as_it_was_offered(store: Store) -> None:
    """Nothing of a query is lost or altered on its way to the reviewer."""
    claim = await claimed(store)
    assert claim.query == query(1)
    assert (claim.queue, claim.attempt, claim.lease_seconds) == ("default", 1, LEASE)
    assert claim.lease_expires_at == pytest.approx(store.now + LEASE)


async def test_many_queries_can_be_offered_at_once(store: Store) -> None:
    """An offer larger than one call to the store arrives whole."""
    assert await store.queue.offer([query(number) for number in range(300)]) == 300
    assert len(await store.queue.claim(ANN, ["default"], 300)) == 300


async def test_the_most_useful_is_claimed_first(store: Store) -> None:
    """Of queries offered together, utility decides."""
    await store.queue.offer([query(1, utility=0.3), query(2, utility=0.9), query(3, utility=0.6)])
    claims = await store.queue.claim(ANN, ["default"], 3)
    assert [claim.query.utility for claim in claims] == [0.9, 0.6, 0.3]


async def test_waiting_makes_up_for_utility(store: Store) -> None:
    """A useless query goes before a useful one that came later than its ageing time."""
    await store.queue.offer([query(1, utility=0.0)])
    await store.advance(SETTINGS.ageing_seconds + 1)
    await store.queue.offer([query(2, utility=1.0)])
    claims = await store.queue.claim(ANN, ["default"], 2)
    assert [claim.query.query_id for claim in claims] == ["q0001", "q0002"]


async def test_exploration_is_not_ranked_by_utility(store: Store) -> None:
    """Explore-lane queries go in the order of their arrival, whatever the model thinks of them."""
    for number, utility in ((1, 0.0), (2, 1.0)):
        await store.queue.offer([query(number, lane="explore", utility=utility)])
        await store.queue.offer([query(number + 10, utility=1.0)])
        await store.advance(1)
    claims = await store.queue.claim(ANN, ["default"], 4)
    assert [claim.query.query_id for claim in claims] == ["q0001", "q0011", "q0002", "q0012"]


async def test_i2_no_two_reviewers_hold_one_query(store: Store) -> None:
    """Reviewers who claim at the same moment, at several desks, get different queries."""
    await store.queue.offer([query(number) for number in range(100)])
    desks = [store.queue, await store.another_queue()]
    claims = await asyncio.gather(
        *(desks[n % 2].claim(Reviewer(f"reviewer {n}"), ["default"], 3) for n in range(40))
    )
    given = [claim.query.query_id for some in claims for claim in some]
    assert len(given) == len(set(given)) == 100


async def test_a_claim_from_an_unknown_queue_is_a_mistake(store: Store) -> None:
    """Only the queues there are can be claimed from."""
    with pytest.raises(UnknownQueue, match="no queue 'urgent': there are default, escalated"):
        await store.queue.claim(ANN, ["urgent"], 1)


async def test_an_unclaimed_query_expires_with_the_reason(store: Store) -> None:
    """It leaves the queue after its time, and is counted."""
    await store.queue.offer([query(1)])
    await store.advance(EXPIRE - 1)
    assert await store.queue.sweep() == 0
    await store.advance(1)
    assert await store.queue.sweep() == 1
    view = await store.queue.view("q0001")
    assert (view.state, view.reason) == (State.EXPIRED, "unclaimed for 600 seconds")
    assert (await store.queue.status()).expired_total == 1
    assert await store.queue.claim(ANN, ["default"], 1) == []


async def test_a_query_in_hand_does_not_expire_and_then_waits_anew(store: Store) -> None:
    """Expiry is measured from when the query last began to wait."""
    claim = await claimed(store)
    while store.now < 1_800_000_000 + EXPIRE:
        await store.advance(LEASE - 1)
        await store.queue.extend(claim.query.query_id, claim.fence, "ann")
    await store.queue.release(claim.query.query_id, claim.fence, "ann")
    await store.advance(EXPIRE - 1)
    assert await store.queue.sweep() == 0
    await store.advance(1)
    assert await store.queue.sweep() == 1


async def test_one_call_moves_a_bounded_number(store: Store) -> None:
    """A great many lapsed leases and expired queries are worked off 64 at a time."""
    await store.queue.offer([query(number) for number in range(150)])
    assert len(await store.queue.claim(ANN, ["default"], 50)) == 50
    await store.advance(EXPIRE)
    assert [await store.queue.sweep() for _ in range(4)] == [64, 64, 22, 0]
    assert (await store.queue.status()).waiting == {"uncertain": 50}


async def test_a_finished_query_is_forgotten_after_its_time(store: Store) -> None:
    """Finished queries leave the store by themselves."""
    claim = await recorded(store)
    await store.queue.settle([Answer(claim.query.query_id, "fraud", "ann", 0)])
    left = await store.client.pttl(f"{{test}}:query:{claim.query.query_id}")
    assert 0 < left <= SETTINGS.retain_seconds * 1000
