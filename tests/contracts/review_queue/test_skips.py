"""Giving a query up, and having it taken away."""

from __future__ import annotations

import pytest

from streamsel.review.lifecycle import State
from streamsel.review.refusals import Superseded, TooLate
from tests.contracts.review_queue.stores import (
    ANN,
    BOB,
    CAT,
    DAN,
    PAIRS,
    Store,
    begin,
    claimed,
    empty_store,
    query,
    state_of,
    taken,
)


async def test_a_skipped_query_is_never_shown_to_that_reviewer_again(store: Store) -> None:
    """Others get it at once; the reason is kept."""
    claim = await claimed(store)
    for _ in range(2):
        await store.queue.skip("q0001", claim.fence, "ann", "I know the seller")
    await store.queue.offer([query(2, utility=0.0)])
    assert (await taken(store, ANN)).query == query(2, utility=0.0)
    assert (await taken(store, BOB)).query == query(1)
    assert (await store.queue.view("q0001")).skipped_by == {"ann": "I know the seller"}


async def test_a_query_skipped_by_enough_reviewers_is_escalated(store: Store) -> None:
    """By as many as configured, each of them once."""
    await store.queue.offer([query(1)])
    for reviewer in (ANN, BOB, CAT):
        assert (await store.queue.view("q0001")).queue == "default"
        claim = await taken(store, reviewer)
        await store.queue.skip("q0001", claim.fence, reviewer.name, "unsure")
    view = await store.queue.view("q0001")
    assert (view.state, view.queue, view.reason) == (State.WAITING, "escalated", "unsure")
    assert await store.queue.claim(ANN, ["escalated"], 1) == []
    assert (await taken(store, DAN, "escalated")).query == query(1)


async def test_one_who_skipped_a_query_cannot_label_it(store: Store) -> None:
    """The claim has ended; what they think after all is kept as an opinion."""
    claim = await claimed(store)
    await store.queue.skip("q0001", claim.fence, "ann", "unsure")
    with pytest.raises(TooLate, match="this claim has ended"):
        await begin(store, claim, "fraud")
    assert (await store.queue.view("q0001")).opinions == [{"reviewer": "ann", "label": "fraud"}]


async def test_skipping_one_slot_skips_the_query(server: str) -> None:
    """Its other slot is the same question."""
    async with empty_store(server, routing=PAIRS) as store:
        await store.queue.offer([query(1)])
        claim = await taken(store, ANN)
        await store.queue.skip("q0001", claim.fence, "ann", "unsure")
        assert await store.queue.claim(ANN, [], 9) == []


async def test_a_seized_query_is_its_holders_no_longer(store: Store) -> None:
    """It waits where it came from, as useful as it was; the holder can neither extend nor answer."""
    claim = await claimed(store)
    assert await store.queue.seize("q0001") == ["ann"]
    assert await store.queue.seize("q0001") == []
    assert await state_of(store, claim) == State.WAITING
    with pytest.raises(Superseded):
        await store.queue.extend("q0001", claim.fence, "ann")
    with pytest.raises(TooLate):
        await begin(store, claim, "fraud")
    assert (await taken(store, BOB)).attempt == 1


async def test_a_query_is_seized_from_all_its_holders(server: str) -> None:
    """All of its slots."""
    async with empty_store(server, routing=PAIRS) as store:
        await store.queue.offer([query(1)])
        await taken(store, ANN)
        await taken(store, BOB)
        assert sorted(await store.queue.seize("q0001")) == ["ann", "bob"]


async def test_a_label_on_its_way_is_not_seized(store: Store) -> None:
    """The log may have it already."""
    claim = await claimed(store)
    await begin(store, claim, "fraud")
    assert await store.queue.seize("q0001") == []
    assert await state_of(store, claim) == State.RECORDING
