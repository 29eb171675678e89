"""Questions whose answers are known, among the claims."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import fields, replace
from itertools import pairwise

import pytest

from streamsel.ports import Answer, Claim, GoldQuery, Recording
from streamsel.review.lifecycle import State
from streamsel.review.refusals import UnknownQuery
from streamsel.review.reviewers import Reviewer
from streamsel.review.routing import QueueRule, Routing
from tests.contracts.review_queue.stores import (
    ANN,
    BOB,
    EXPIRE,
    LEASE,
    SETTINGS,
    Store,
    answered,
    assert_one_state_each,
    begin,
    empty_store,
    query,
    taken,
)

GOLD = [GoldQuery(query(number), "fraud") for number in (91, 92, 93)]
ALWAYS = replace(SETTINGS, gold_share=1.0)


@pytest.fixture
async def desk(server: str) -> AsyncIterator[Store]:
    """A desk where every claim is a question whose answer is known, as long as there are such."""
    async with empty_store(server, ALWAYS) as store:
        await store.queue.set_gold(GOLD)
        yield store


def number_of(query_id: str) -> int:
    return int(query_id[1:])


async def test_each_reviewer_is_asked_each_once_and_in_order(desk: Store) -> None:
    """Whoever else was; then nothing but what is asked in earnest is left."""
    await desk.queue.offer([query(1)])
    for reviewer in (ANN, BOB):
        claims = await desk.queue.claim(reviewer, [], 3)
        assert [claim.query.query_id for claim in claims] == ["q0091", "q0092", "q0093"]
    assert (await taken(desk, ANN)).query == query(1)
    assert await desk.queue.claim(ANN, [], 3) == []


async def test_a_gold_claim_looks_like_any_other(desk: Store) -> None:
    """To the one who has it, in every field but the one by which the desk knows."""
    gold = await taken_first(desk)
    await desk.queue.set_gold([])
    await desk.queue.offer([query(1)])
    earnest = await taken(desk, ANN)
    for field in fields(gold):
        if field.name not in ("query", "fence"):
            assert getattr(gold, field.name) == getattr(earnest, field.name)
    shown, asked = await desk.queue.view("q0091", "ann"), await desk.queue.view("q0001", "ann")
    for field in fields(shown):
        if field.name not in ("query", "slots", "gold"):
            assert getattr(shown, field.name) == getattr(asked, field.name)
    assert (shown.gold, asked.gold) == (True, False)
    assert (shown.state, shown.asked, shown.deciding) == (State.LEASED, 1, shown.slots[0])


async def taken_first(store: Store) -> Claim:
    """The first that ann gets."""
    (claim,) = await store.queue.claim(ANN, [], 1)
    return claim


async def test_a_gold_question_is_unknown_to_those_it_was_not_asked(desk: Store) -> None:
    """Nobody finds out beforehand."""
    await taken_first(desk)
    for reviewer in ("", "bob"):
        with pytest.raises(UnknownQuery):
            await desk.queue.view("q0091", reviewer)
    with pytest.raises(UnknownQuery):
        await desk.queue.begin("q0091", 1, "bob", "fraud", "key")


async def test_an_answer_to_gold_is_an_opinion_with_what_was_expected(desk: Store) -> None:
    """It settles that reviewer's slot and nobody else's."""
    mine = await taken_first(desk)
    (theirs,) = await desk.queue.claim(BOB, [], 1)
    recording = await begin(desk, mine, "legitimate", "ann")
    assert isinstance(recording, Recording)
    assert (recording.kind, recording.expected) == ("gold", "fraud")
    opinion = Answer("q0091", "legitimate", "ann", 3, kind="gold")
    assert await desk.queue.settle([opinion]) == [opinion]
    assert await begin(desk, mine, "legitimate", "ann") == opinion
    assert (await desk.queue.view("q0091", "ann")).answer == opinion
    assert (await desk.queue.extend("q0091", theirs.fence, "bob")).query == GOLD[0].query
    assert await desk.queue.complete(9) == []


async def test_a_gold_question_that_lapsed_or_was_released_waits_for_its_reviewer_alone(desk: Store) -> None:
    """As any other it would come again; nobody else is shown it."""
    await desk.queue.set_gold(GOLD[:1])
    first = await taken_first(desk)
    await desk.queue.claim(BOB, [], 1)
    await desk.advance(LEASE)
    assert await desk.queue.sweep() == 2
    again = await taken_first(desk)
    assert (again.query, again.attempt) == (first.query, 2)
    await desk.queue.release("q0091", again.fence, "ann")
    assert (await taken_first(desk)).query == first.query
    assert [claim.query for claim in await desk.queue.claim(BOB, [], 9)] == [first.query]


@pytest.mark.parametrize("move", ["skip", "escalate"])
async def test_a_gold_question_given_up_is_withdrawn(desk: Store, move: str) -> None:
    """Nobody else can answer it for them; it is no query that was lost."""
    claim = await taken_first(desk)
    for _ in range(2):
        await getattr(desk.queue, move)("q0091", claim.fence, "ann", "unsure")
    assert (await desk.queue.view("q0091", "ann")).state == State.EXPIRED
    assert (await desk.queue.status()).expired_total == 0


async def test_gold_is_a_share_of_the_claims(server: str) -> None:
    """Drawn, so that its place among the others tells nothing; alike in every run."""
    async with empty_store(server, replace(SETTINGS, gold_share=0.2)) as store:
        await store.queue.set_gold([GoldQuery(query(1_000 + number), "fraud") for number in range(200)])
        await store.queue.offer([query(number) for number in range(400)])
        given = [claim.query.query_id for claim in await store.queue.claim(ANN, [], 400)]
        gold = [place for place, query_id in enumerate(given) if number_of(query_id) >= 1_000]
        assert 50 < len(gold) < 110
        assert len({after - before for before, after in pairwise(gold)}) > 5


async def test_gold_keeps_to_ones_queues_and_limits(server: str) -> None:
    """A question of a queue above one's tier is not asked, nor a sensitive one too many."""
    routing = Routing(
        [QueueRule("large", lambda one: one.utility > 0.8, tier=2)],
        sensitive=lambda one: one.lane == "explore",
    )
    async with empty_store(server, replace(ALWAYS, most_sensitive=1, most_held=2), routing) as store:
        await store.queue.set_gold(
            [
                GoldQuery(query(91, utility=0.9), "fraud"),
                GoldQuery(query(92, lane="explore"), "fraud"),
                GoldQuery(query(93, lane="explore"), "fraud"),
            ]
        )
        assert [claim.query.query_id for claim in await store.queue.claim(Reviewer("nora"), [], 9)] == [
            "q0092"
        ]
        assert [claim.query.query_id for claim in await store.queue.claim(ANN, [], 9)] == ["q0091", "q0092"]


async def test_an_event_that_is_gold_is_not_asked_about_twice(desk: Store) -> None:
    """And a query that is being asked about in earnest does not become gold."""
    assert await desk.queue.offer([query(91), query(1)]) == 1
    await desk.queue.set_gold([*GOLD, GoldQuery(query(1), "fraud")])
    claims = await desk.queue.claim(ANN, [], 9)
    assert [claim.query.query_id for claim in claims] == ["q0091", "q0092", "q0093", "q0001"]
    recording = await begin(desk, claims[-1], "fraud", "ann")
    assert isinstance(recording, Recording)
    assert recording.kind == "label"


async def test_what_is_no_longer_gold_is_not_asked_any_more(desk: Store) -> None:
    """Those who were asked it can still answer; what is new comes after what stays."""
    claim = await taken_first(desk)
    await desk.queue.set_gold([GOLD[1], GoldQuery(query(94), "fraud")])
    await answered(desk, claim, "fraud", "ann")
    for reviewer in (ANN, BOB):
        claims = await desk.queue.claim(reviewer, [], 9)
        assert [each.query.query_id for each in claims] == ["q0092", "q0094"]


async def test_an_unanswered_gold_question_expires_like_any_other(desk: Store) -> None:
    """It leaves the queue of its reviewer."""
    claim = await taken_first(desk)
    await desk.queue.release("q0091", claim.fence, "ann")
    await desk.advance(EXPIRE)
    assert await desk.queue.sweep() == 1
    await assert_one_state_each(desk.client)
    assert (await desk.queue.view("q0091", "ann")).state == State.EXPIRED
