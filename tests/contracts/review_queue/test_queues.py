"""Several queues: what waits where, and who may claim it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from streamsel.ports import Claim
from streamsel.review.lifecycle import State
from streamsel.review.refusals import NotPermitted
from streamsel.review.reviewers import Reviewer
from streamsel.review.routing import QueueRule, Routing
from tests.contracts.review_queue.stores import ANN, BOB, LEASE, Store, empty_store, query, taken

ROUTING = Routing(
    [
        QueueRule("shops", lambda one: one.segments.get("shop") == "7", sla_seconds=100.0),
        QueueRule("large", lambda one: one.utility > 0.8, tier=2, escalates_to="board"),
        QueueRule("board", tier=3, sla_seconds=1_000.0),
    ]
)
NOVICE, EXPERT = Reviewer("nora"), Reviewer("eve", tier=3)


@pytest.fixture
async def desk(server: str) -> AsyncIterator[Store]:
    """Queues for one shop, for what is large, and for the board."""
    async with empty_store(server, routing=ROUTING) as store:
        await store.queue.offer([query(1), query(2, utility=0.9), replace(query(3), segments={"shop": "7"})])
        yield store


async def test_a_query_waits_where_its_routing_places_it(desk: Store) -> None:
    """The first queue whose condition holds, else the default one."""
    queues = [(await desk.queue.view(f"q000{number}")).queue for number in (1, 2, 3)]
    assert queues == ["default", "large", "shops"]
    status = await desk.queue.status()
    assert {name: queue.waiting for name, queue in status.queues.items()} == {
        "shops": 1,
        "large": 1,
        "board": 0,
        "default": 1,
        "escalated": 0,
    }


async def test_without_a_name_the_most_useful_of_all_ones_queues_comes_first(desk: Store) -> None:
    """Queues are no ranks: priority and age decide between them."""
    claims = await desk.queue.claim(EXPERT, [], 3)
    assert [claim.query.query_id for claim in claims] == ["q0002", "q0003", "q0001"]
    assert [claim.queue for claim in claims] == ["large", "shops", "default"]


async def test_a_reviewer_gets_nothing_above_their_tier(desk: Store) -> None:
    """Neither unasked nor by name."""
    assert {claim.queue for claim in await desk.queue.claim(NOVICE, [], 9)} == {"default", "shops"}
    with pytest.raises(NotPermitted, match="'large' is for others"):
        await desk.queue.claim(NOVICE, ["large"], 1)


async def test_a_reviewer_works_on_their_own_queues(desk: Store) -> None:
    """A list of queues, as for a language or a segment, is all they get and all they may name."""
    shopkeeper = Reviewer("shirin", tier=3, queues=frozenset({"shops"}))
    assert (await taken(desk, shopkeeper)).queue == "shops"
    with pytest.raises(NotPermitted):
        await desk.queue.claim(shopkeeper, ["default"], 1)


async def test_named_queues_are_claimed_from_and_no_others(desk: Store) -> None:
    """Several may be named."""
    claims = await desk.queue.claim(EXPERT, ["default", "shops"], 9)
    assert {claim.queue for claim in claims} == {"default", "shops"}


async def test_a_query_escalates_to_where_its_queue_says(desk: Store) -> None:
    """And no further by a repetition; that queue's own reviewers find it."""
    claim = await taken(desk, ANN, "large")
    for _ in range(2):
        await desk.queue.escalate("q0002", claim.fence, "ann", "too large for me")
    view = await desk.queue.view("q0002")
    assert (view.queue, view.reason) == ("board", "too large for me")
    assert (await taken(desk, EXPERT, "board")).query == claim.query


async def test_a_query_is_due_by_its_queues_time_from_when_it_came_there(desk: Store) -> None:
    """Claiming, releasing and lapsing do not move it; what is past it is counted, in hand or not."""
    begun = desk.now
    claim = await taken(desk, ANN, "shops")
    assert claim.due_at == pytest.approx(begun + 100)
    assert (await taken(desk, ANN, "default")).due_at is None
    await desk.advance(LEASE)
    await desk.queue.sweep()
    assert (await taken(desk, BOB, "shops")).due_at == pytest.approx(begun + 100)
    await desk.advance(100 - LEASE - 1)
    assert (await desk.queue.status()).queues["shops"].overdue == 0
    await desk.advance(1)
    assert (await desk.queue.status()).queues["shops"].overdue == 1


async def test_an_escalated_query_is_due_by_its_new_queues_time(desk: Store) -> None:
    """Which begins when it gets there."""
    claim = await taken(desk, ANN, "large")
    assert claim.due_at is None
    await desk.advance(5)
    await desk.queue.escalate("q0002", claim.fence, "ann", "too large for me")
    assert (await taken(desk, EXPERT, "board")).due_at == pytest.approx(desk.now + 1_000)


async def test_the_capacity_follows_the_queues_in_which_queries_arrive(desk: Store) -> None:
    """What was escalated waits for others than those whose pace the selectors follow."""
    assert (await desk.queue.report("selector", 1.0)).backlog == 3
    claim = await taken(desk, ANN, "large")
    await desk.queue.escalate("q0002", claim.fence, "ann", "too large for me")
    assert (await desk.queue.report("selector", 1.0)).backlog == 2


async def test_what_waits_in_a_queue_no_longer_configured_goes_to_the_default_one(desk: Store) -> None:
    """At the start of the first desk that does not know it; what was in hand then, when it comes back."""
    await desk.queue.check()
    await desk.queue.offer([replace(query(number), segments={"shop": "7"}) for number in range(10, 90)])
    claim = await taken_one(desk, "shops")
    reconfigured = await replace(desk, routing=Routing()).another_queue()
    await reconfigured.check()
    await reconfigured.release(claim.query.query_id, claim.fence, "ann")
    view = await desk.queue.view(claim.query.query_id)
    assert (view.state, view.queue) == (State.WAITING, "default")
    assert len(await reconfigured.claim(ANN, ["default"], 99)) == 83


async def taken_one(store: Store, queue: str) -> Claim:
    """The first of several that wait there."""
    (claim,) = await store.queue.claim(ANN, [queue], 1)
    return claim
