"""Fences and leases: who may act on a query, and for how long."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from streamsel.ports import Answer
from streamsel.review.lifecycle import State
from streamsel.review.refusals import Superseded, UnknownQuery
from tests.contracts.review_queue.stores import (
    ANN,
    BOB,
    LEASE,
    SETTINGS,
    Store,
    assert_one_state_each,
    begin,
    claimed,
    empty_store,
    query,
    state_of,
)


async def test_i1_a_query_is_in_exactly_one_state_all_its_life(store: Store) -> None:
    """After each of its moves, its state, the sorted sets and the counts say the same."""
    claim = await claimed(store)
    held = claim.query.query_id, claim.fence, "ann"
    await assert_one_state_each(store.client)
    for move in (
        lambda: begin(store, claim, "fraud"),
        lambda: store.queue.abort(*held),
        lambda: store.queue.extend(*held),
        lambda: begin(store, claim, "legitimate"),
        lambda: store.queue.settle([Answer(claim.query.query_id, "legitimate", "ann", 0)]),
        lambda: store.queue.offer([query(1), query(2)]),
    ):
        await move()
        await assert_one_state_each(store.client)


async def test_i3_fences_only_grow(store: Store) -> None:
    """Every claim of a query has a larger fence, even after the store has lost everything."""
    fences = []
    for _ in range(2):
        claim = await claimed(store)
        fences.append(claim.fence)
        await store.queue.release(claim.query.query_id, claim.fence, "ann")
        (claim,) = await store.queue.claim(ANN, ["default"], 1)
        fences.append(claim.fence)
        await store.lose_everything()
    assert fences == sorted(set(fences))


async def test_i3_who_one_is_does_not_stand_in_for_the_fence(store: Store) -> None:
    """The holder of a query cannot act on it by an older fence of their own."""
    first = await claimed(store)
    await store.queue.release(first.query.query_id, first.fence, "ann")
    (second,) = await store.queue.claim(ANN, ["default"], 1)
    for act in (store.queue.extend, store.queue.release, store.queue.abort):
        with pytest.raises(Superseded):
            await act(first.query.query_id, first.fence, "ann")
    with pytest.raises(Superseded):
        await begin(store, first, "fraud")
    assert (await store.queue.extend(second.query.query_id, second.fence, "ann")).fence == second.fence


async def test_a_fence_does_not_stand_in_for_who_one_is(store: Store) -> None:
    """Another reviewer cannot act on a query by its holder's fence."""
    claim = await claimed(store)
    with pytest.raises(Superseded):
        await store.queue.extend(claim.query.query_id, claim.fence, "bob")
    with pytest.raises(Superseded):
        await begin(store, claim, "fraud", by="bob")
    assert await state_of(store, claim) == State.LEASED


async def test_extending_begins_the_lease_anew(store: Store) -> None:
    """A sign of life shortly before the end keeps the query for another lease."""
    claim = await claimed(store)
    await store.advance(LEASE - 1)
    extended = await store.queue.extend(claim.query.query_id, claim.fence, "ann")
    assert extended == replace(claim, lease_expires_at=extended.lease_expires_at)
    assert extended.lease_expires_at == pytest.approx(store.now + LEASE)
    await store.advance(LEASE - 1)
    assert await store.queue.sweep() == 0


async def test_i6_a_lapsed_lease_can_be_claimed_by_another(store: Store) -> None:
    """With its holder and their process gone, a claim alone ends a lapsed lease and takes it."""
    first = await claimed(store)
    await store.advance(LEASE)
    (second,) = await (await store.another_queue()).claim(BOB, ["default"], 1)
    assert second.query == first.query
    assert second.attempt == 2
    assert second.fence > first.fence


async def test_i6_a_query_is_given_up_after_the_last_attempt(store: Store) -> None:
    """It is dead after so many lapsed leases, with the reason, and counted."""
    await store.queue.offer([query(1)])
    for _ in range(SETTINGS.attempts):
        assert len(await store.queue.claim(ANN, ["default"], 1)) == 1
        await store.advance(LEASE)
    assert await store.queue.claim(ANN, ["default"], 1) == []
    view = await store.queue.view("q0001")
    assert (view.state, view.attempts) == (State.DEAD, 3)
    assert view.reason == "3 leases lapsed without an answer"
    assert (await store.queue.status()).dead_total == 1


async def test_i10_only_the_stores_clock_ends_leases(server: str) -> None:
    """However much time passes here, a lease lasts until the store's clock has passed its end."""
    async with empty_store(server, replace(SETTINGS, lease_seconds=0.001)) as store:
        claim = await claimed(store)
        before = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < before + 0.01:
            assert await store.queue.sweep() == 0
        await store.advance(0.001)
        assert await store.queue.sweep() == 1
        assert await state_of(store, claim) == State.WAITING


async def test_a_released_query_is_claimable_at_once_and_keeps_its_place(store: Store) -> None:
    """Giving a query back is no attempt, and does not send it to the end of the queue."""
    first = await claimed(store)
    await store.advance(1)
    await store.queue.offer([query(2)])
    await store.queue.release(first.query.query_id, first.fence, "ann")
    await store.queue.release(first.query.query_id, first.fence, "ann")
    (second,) = await store.queue.claim(BOB, ["default"], 1)
    assert (second.query, second.attempt) == (first.query, 1)


async def test_an_escalated_query_waits_in_its_own_queue_with_the_reason(store: Store) -> None:
    """It leaves the default queue; anyone may take it from the escalated one, by a new claim."""
    first = await claimed(store)
    for _ in range(2):
        await store.queue.escalate(first.query.query_id, first.fence, "ann", "needs a lawyer")
    assert await store.queue.claim(BOB, ["default"], 1) == []
    assert (await store.queue.view("q0001")).reason == "needs a lawyer"
    (second,) = await store.queue.claim(ANN, ["escalated"], 1)
    assert second.queue == "escalated"
    assert second.fence > first.fence
    await store.queue.release(second.query.query_id, second.fence, "ann")
    assert len(await store.queue.claim(BOB, ["escalated"], 1)) == 1


async def test_one_who_gave_a_query_up_cannot_label_it(store: Store) -> None:
    """Released or escalated, the old claim no longer counts though nobody has claimed the query since."""
    for give_up in ("release", "escalate"):
        claim = await claimed(store)
        if give_up == "release":
            await store.queue.release(claim.query.query_id, claim.fence, "ann")
        else:
            await store.queue.escalate(claim.query.query_id, claim.fence, "ann", "unsure")
        with pytest.raises(Superseded, match="this claim has ended"):
            await begin(store, claim, "fraud")
        await store.lose_everything()


async def test_calls_that_name_an_unknown_query_are_refused(store: Store) -> None:
    """All of them, alike."""
    queue = store.queue
    for call in (
        queue.extend("none", 1, "ann"),
        queue.release("none", 1, "ann"),
        queue.escalate("none", 1, "ann", "unsure"),
        queue.begin("none", 1, "ann", "fraud", "key"),
        queue.abort("none", 1, "ann"),
        queue.view("none"),
    ):
        with pytest.raises(UnknownQuery):
            await call
