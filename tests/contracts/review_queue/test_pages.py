"""Lists of queries, page by page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamsel.ports import GoldQuery
from streamsel.review.lifecycle import State
from streamsel.review.routing import Overlap, QueueRule, Routing
from tests.contracts.review_queue.stores import (
    ANN,
    BOB,
    EXPIRE,
    LEASE,
    SETTINGS,
    Store,
    answered,
    begin,
    empty_store,
    query,
)


async def listed(
    store: Store, state: State | None = None, queue: str | None = None, limit: int = 100
) -> list[str]:
    """The ids on all pages."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await store.queue.page(state, queue, cursor, limit)
        assert len(page.queries) <= limit
        found += [view.query.query_id for view in page.queries]
        cursor = page.next_cursor
        if cursor is None:
            return found


async def of_every_state(store: Store) -> dict[State, str]:
    """One query in each state that one with a single slot can be in."""
    await store.queue.offer([query(number, utility=1 - number / 10) for number in range(1, 6)])
    claims = await store.queue.claim(ANN, [], 5)
    for claim in claims[3:]:
        await store.queue.release(claim.query.query_id, claim.fence, "ann")
    await answered(store, claims[0], "fraud", "ann")
    await store.advance(EXPIRE)
    await store.queue.sweep()
    for _ in range(SETTINGS.attempts - 1):
        await store.queue.claim(ANN, [], 2)
        await store.advance(LEASE)
        await store.queue.sweep()
    await store.queue.offer([query(number) for number in (6, 7, 8)])
    begun, held = await store.queue.claim(BOB, [], 2)
    await begin(store, begun, "fraud", "bob")
    return {
        State.LABELLED: "q0001",
        State.DEAD: "q0002",
        State.EXPIRED: "q0004",
        State.RECORDING: begun.query.query_id,
        State.LEASED: held.query.query_id,
        State.WAITING: "q0008",
    }


async def test_queries_are_listed_by_state(store: Store) -> None:
    """Each in its own, and all of them without one."""
    expected = await of_every_state(store)
    for state, query_id in expected.items():
        assert query_id in await listed(store, state)
        assert all([(await store.queue.view(one)).state == state for one in await listed(store, state)])
    assert sorted(await listed(store)) == [f"q000{number}" for number in range(1, 9)]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
async def test_pages_hold_everything_once(store: Store, limit: int) -> None:
    """However long they are, and though queries offered together have one place in the order."""
    await of_every_state(store)
    await store.queue.offer([query(number) for number in range(100, 107)])
    everything = sorted(await listed(store, limit=limit))
    assert everything == sorted(set(everything))
    assert len(everything) == 15


async def test_queries_are_listed_by_queue(server: str) -> None:
    """In whatever state."""
    routing = Routing([QueueRule("large", lambda one: one.utility > 0.8)])
    async with empty_store(server, routing=routing) as store:
        await store.queue.offer([query(1), query(2, utility=0.9), query(3, utility=0.95)])
        await store.queue.claim(ANN, ["large"], 1)
        assert sorted(await listed(store, queue="large")) == ["q0002", "q0003"]
        assert await listed(store, State.WAITING, "large") == ["q0002"]
        assert await listed(store, queue="default") == ["q0001"]


async def test_what_moves_while_pages_are_turned_does_not_end_the_list(store: Store) -> None:
    """Though the last one of a page is no longer where it was."""
    await store.queue.offer([query(number) for number in range(1, 7)])
    page = await store.queue.page(State.WAITING, limit=3)
    await store.queue.claim(ANN, [], 3)
    rest = await store.queue.page(State.WAITING, cursor=page.next_cursor, limit=3)
    assert [view.query.query_id for view in rest.queries] == ["q0004", "q0005", "q0006"]


async def test_a_query_with_several_slots_is_listed_once(server: str) -> None:
    """In the one state that it is in."""
    async with empty_store(server, routing=Routing(overlap=Overlap(1.0, 3))) as store:
        await store.queue.offer([query(1)])
        for reviewer in (ANN, BOB):
            for claim in await store.queue.claim(reviewer, [], 1):
                await answered(store, claim, "fraud", reviewer.name)
        assert await listed(store) == await listed(store, State.WAITING) == ["q0001"]
        assert await listed(store, State.OPINED) == []
        await store.advance(EXPIRE)
        await store.queue.sweep()
        assert await listed(store) == await listed(store, State.OPINED) == ["q0001"]


async def test_gold_is_on_no_list(server: str) -> None:
    """Nobody finds out what is gold by what others are asked."""
    async with empty_store(server, replace(SETTINGS, gold_share=1.0)) as store:
        await store.queue.set_gold([GoldQuery(query(91), "fraud")])
        await store.queue.claim(ANN, [], 1)
        assert await listed(store) == []


async def test_a_cursor_from_elsewhere_is_refused(store: Store) -> None:
    """Made up, or of a listing of another state."""
    await store.queue.offer([query(1), query(2)])
    cursor = (await store.queue.page(State.WAITING, limit=1)).next_cursor
    assert cursor is not None
    for state, given in ((State.DEAD, cursor), (State.WAITING, "nonsense!"), (State.WAITING, "")):
        with pytest.raises(ValueError, match="cursor"):
            await store.queue.page(state, cursor=given)


async def test_closed_queries_leave_the_lists_when_they_are_forgotten(store: Store) -> None:
    """The sets that list them do not grow for ever."""
    await store.queue.offer([query(1)])
    await store.advance(EXPIRE)
    await store.queue.sweep()
    await store.client.delete("{test}:query:q0001")
    assert await listed(store, State.EXPIRED) == []
    await store.advance(SETTINGS.retain_seconds)
    await store.queue.sweep()
    assert await store.client.zcard("{test}:expired") == 0
