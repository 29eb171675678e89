"""What one reviewer bears: sensitive queries in a row, hours without a rest, claims in hand; and pauses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamsel.review.refusals import OnBreak, Paused
from streamsel.review.routing import Routing
from tests.contracts.review_queue.stores import (
    ANN,
    BOB,
    LEASE,
    SETTINGS,
    Store,
    answered,
    begin,
    claimed,
    empty_store,
    query,
    taken,
)

SENSITIVE = Routing(sensitive=lambda one: one.lane == "explore")
REST = 60.0


async def one_by_one(store: Store, count: int) -> list[str]:
    """What ann is given, one after the other, each answered at once."""
    given = []
    for _ in range(count):
        for claim in await store.queue.claim(ANN, [], 1):
            await answered(store, claim, "fraud", "ann")
            given.append("sensitive" if claim.sensitive else "plain")
    return given


async def test_sensitive_queries_in_a_row_are_limited(server: str) -> None:
    """Then another kind comes between, however useful the sensitive ones; others go on with those."""
    limits = replace(SETTINGS, most_sensitive=2, break_seconds=REST)
    async with empty_store(server, limits, SENSITIVE) as store:
        await store.queue.offer([query(number, lane="explore") for number in range(6)])
        await store.queue.offer([query(10, utility=0.0)])
        assert await one_by_one(store, 6) == ["sensitive", "sensitive", "plain", "sensitive", "sensitive"]
        assert len(await store.queue.claim(BOB, [], 9)) == 2


async def test_a_rest_ends_a_run_of_sensitive_queries(server: str) -> None:
    """Asking for work in vain is no work."""
    limits = replace(SETTINGS, most_sensitive=1, break_seconds=REST)
    async with empty_store(server, limits, SENSITIVE) as store:
        await store.queue.offer([query(number, lane="explore") for number in range(3)])
        assert await one_by_one(store, 2) == ["sensitive"]
        await store.advance(REST - 1)
        assert await one_by_one(store, 1) == []
        await store.advance(1)
        assert await one_by_one(store, 2) == ["sensitive"]


async def test_a_claim_of_several_keeps_to_the_limit(server: str) -> None:
    """Within one call as over several."""
    async with empty_store(server, replace(SETTINGS, most_sensitive=2), SENSITIVE) as store:
        await store.queue.offer([query(number, lane="explore") for number in range(6)])
        assert len(await store.queue.claim(ANN, [], 5)) == 2


async def test_after_so_much_work_a_break_is_enforced(server: str) -> None:
    """What is in hand can be answered during it; how long it lasts is told."""
    limits = replace(SETTINGS, work_seconds=100.0, break_seconds=REST)
    async with empty_store(server, limits) as store:
        await store.queue.offer([query(number) for number in range(9)])
        for _ in range(4):
            assert await one_by_one(store, 1) == ["plain"]
            await store.advance(25)
        with pytest.raises(OnBreak) as refusal:
            await store.queue.claim(ANN, [], 1)
        assert refusal.value.retry_after_seconds == pytest.approx(REST)
        await store.advance(REST - 10)
        with pytest.raises(OnBreak) as refusal:
            await store.queue.claim(ANN, [], 1)
        assert refusal.value.retry_after_seconds == pytest.approx(10)
        assert len(await store.queue.claim(BOB, [], 1)) == 1
        await store.advance(10)
        assert len(await store.queue.claim(ANN, [], 1)) == 1


async def test_a_rest_of_ones_own_counts_as_the_break(server: str) -> None:
    """Work is measured from the end of the last rest."""
    limits = replace(SETTINGS, work_seconds=100.0, break_seconds=REST)
    async with empty_store(server, limits) as store:
        await store.queue.offer([query(number) for number in range(9)])
        assert await one_by_one(store, 1) == ["plain"]
        await store.advance(REST)
        assert await one_by_one(store, 1) == ["plain"]
        for _ in range(3):
            await store.advance(33)
            assert await one_by_one(store, 1) == ["plain"]
        await store.advance(1)
        with pytest.raises(OnBreak):
            await store.queue.claim(ANN, [], 1)


async def test_what_is_in_hand_when_a_break_begins_can_still_be_answered(server: str) -> None:
    """Nobody's review is thrown away by the clock."""
    limits = replace(SETTINGS, lease_seconds=500.0, work_seconds=100.0, break_seconds=200.0)
    async with empty_store(server, limits) as store:
        await store.queue.offer([query(1)])
        claim = await taken(store, ANN)
        await store.advance(101)
        with pytest.raises(OnBreak):
            await store.queue.claim(ANN, [], 1)
        await answered(store, claim, "fraud", "ann")


async def test_one_reviewer_holds_only_so_many(server: str) -> None:
    """A larger claim is shorter, and empty at the limit; what is answered or lapses makes room."""
    async with empty_store(server, replace(SETTINGS, most_held=3)) as store:
        await store.queue.offer([query(number) for number in range(20)])
        claims = await store.queue.claim(ANN, [], 9)
        assert len(claims) == 3
        assert await store.queue.claim(ANN, [], 1) == []
        assert len(await store.queue.claim(BOB, [], 9)) == 3
        await begin(store, claims[0], "fraud")
        assert await store.queue.claim(ANN, [], 1) == []
        await store.queue.release(claims[1].query.query_id, claims[1].fence, "ann")
        assert len(await store.queue.claim(ANN, [], 9)) == 1
        await store.advance(LEASE)
        assert len(await store.queue.claim(ANN, [], 9)) == 2


async def test_a_paused_reviewer_gets_nothing_until_resumed(store: Store) -> None:
    """The reason is told; what is in hand can be answered."""
    claim = await claimed(store)
    await store.queue.offer([query(2)])
    await store.queue.pause("ann", "please talk to me")
    with pytest.raises(Paused, match="please talk to me") as refusal:
        await store.queue.claim(ANN, [], 1)
    assert refusal.value.reason == "please talk to me"
    await answered(store, claim, "fraud", "ann")
    await store.queue.resume("ann")
    assert (await taken(store, ANN)).query == query(2)


async def test_what_each_reviewer_does_is_known(server: str) -> None:
    """Who is there, what they hold, how much they did, and whether they may go on."""
    limits = replace(SETTINGS, work_seconds=100.0, break_seconds=REST)
    async with empty_store(server, limits, SENSITIVE) as store:
        begun = store.now
        await store.queue.offer([query(1, lane="explore"), query(2, lane="explore"), query(3)])
        claims = await store.queue.claim(ANN, [], 2)
        await answered(store, claims[0], "fraud", "ann")
        await store.advance(SETTINGS.window_seconds + 1)
        await store.queue.claim(BOB, [], 0)
        await store.queue.pause("cat", "too many errors")
        ann, bob, cat = await store.queue.reviewers()
        assert (ann.name, ann.live, ann.held, ann.handed, ann.answered) == ("ann", False, 0, 2, 1)
        assert (ann.sensitive_in_a_row, ann.paused, ann.on_break_until) == (2, None, None)
        assert ann.last_seen_at == pytest.approx(begun)
        assert (bob.name, bob.live, bob.held, bob.paused) == ("bob", True, 0, None)
        assert (cat.name, cat.live, cat.paused) == ("cat", False, "too many errors")
