"""Queries answered by several reviewers: their slots, their opinions, and who decides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from streamsel.ports import Answer, Recording
from streamsel.review.lifecycle import State
from streamsel.review.refusals import Superseded, TooLate
from tests.contracts.review_queue.stores import (
    ANN,
    BOB,
    CAT,
    EXPIRE,
    LEASE,
    PAIRS,
    SETTINGS,
    Store,
    answered,
    assert_one_state_each,
    begin,
    empty_store,
    query,
    taken,
)


@pytest.fixture
async def pairs(server: str) -> AsyncIterator[Store]:
    """A desk where every query gets two reviewers, and one is waiting."""
    async with empty_store(server, routing=PAIRS) as store:
        assert await store.queue.offer([query(1)]) == 1
        yield store


async def test_i2_no_reviewer_holds_two_slots_of_one_query(pairs: Store) -> None:
    """However many they ask for; another reviewer gets the other slot, by another fence."""
    mine = await taken(pairs, ANN)
    assert await pairs.queue.claim(ANN, [], 9) == []
    theirs = await taken(pairs, BOB)
    assert mine.query == theirs.query == query(1)
    assert mine.fence < theirs.fence
    assert await pairs.queue.claim(CAT, [], 9) == []


async def test_i2_no_reviewer_answers_two_slots_of_one_query(pairs: Store) -> None:
    """Neither after their answer, nor while a lease that lapsed could still be answered late."""
    mine = await taken(pairs, ANN)
    await answered(pairs, mine, "fraud", "ann")
    assert await pairs.queue.claim(ANN, [], 9) == []
    theirs = await taken(pairs, BOB)
    await pairs.advance(LEASE)
    again = await taken(pairs, BOB)
    assert again.fence > theirs.fence
    assert again.attempt == 2
    assert await pairs.queue.claim(BOB, [], 9) == []


async def test_an_answer_to_a_slot_is_an_opinion_and_the_query_stays_open(pairs: Store) -> None:
    """Which slot and of how many, the recording says; a replay gets the opinion."""
    mine = await taken(pairs, ANN)
    recording = await begin(pairs, mine, "fraud", "ann")
    assert isinstance(recording, Recording)
    assert (recording.kind, recording.slot, recording.slots) == ("overlap", 1, 2)
    opinion = Answer("q0001", "fraud", "ann", 7, kind="overlap", slot=1)
    assert await pairs.queue.settle([opinion]) == [opinion]
    assert await begin(pairs, mine, "fraud", "ann") == opinion
    view = await pairs.queue.view("q0001")
    assert (view.state, view.answer, view.asked) == (State.WAITING, None, 2)
    assert [slot.state for slot in view.slots] == [State.OPINED, State.WAITING]
    assert view.slots[0].answer == opinion


async def test_both_slots_are_backlog(pairs: Store) -> None:
    """Each is an answer to be given."""
    assert (await pairs.queue.report("selector", 1.0)).backlog == 2
    await answered(pairs, await taken(pairs, ANN), "fraud", "ann")
    assert (await pairs.queue.report("selector", 1.0)).backlog == 1


async def opined(store: Store, *labels: str) -> None:
    """The query with these opinions, of ann and bob."""
    for reviewer, label in zip((ANN, BOB), labels, strict=False):
        await answered(store, await taken(store, reviewer), label, reviewer.name)


async def test_a_query_with_all_its_opinions_is_complete_until_one_label_settles_it(pairs: Store) -> None:
    """Its opinions are there to be resolved, for whichever desk comes to it."""
    await opined(pairs, "fraud")
    assert await pairs.queue.complete(9) == []
    await answered(pairs, await taken(pairs, BOB), "fraud", "bob")
    (view,) = await pairs.queue.complete(9)
    assert view.state == State.OPINED
    assert [slot.answer.label for slot in view.slots if slot.answer] == ["fraud", "fraud"]
    label = Answer("q0001", "fraud", "ann,bob", 9)
    assert await pairs.queue.settle([label]) == [label]
    assert await pairs.queue.complete(9) == []
    view = await pairs.queue.view("q0001")
    assert (view.state, view.answer, view.disputed) == (State.LABELLED, label, False)
    assert 0 < await pairs.client.pttl("{test}:query:q0001") <= SETTINGS.retain_seconds * 1000


async def test_a_dispute_is_decided_by_one_who_gave_no_opinion(pairs: Store) -> None:
    """In the queue that it escalates to; that answer is the label."""
    await opined(pairs, "fraud", "legitimate")
    for _ in range(2):
        await pairs.queue.dispute("q0001")
    (disputed,) = await pairs.queue.disputes(9)
    assert (disputed.state, disputed.queue, disputed.disputed) == (State.WAITING, "escalated", True)
    assert await pairs.queue.complete(9) == []
    for reviewer in (ANN, BOB):
        assert await pairs.queue.claim(reviewer, [], 9) == []
    claim = await taken(pairs, CAT)
    assert claim.queue == "escalated"
    recording = await begin(pairs, claim, "fraud", "cat")
    assert isinstance(recording, Recording)
    assert recording.kind == "label"
    label = Answer("q0001", "fraud", "cat", 9)
    assert await pairs.queue.settle([label]) == [label]
    assert await pairs.queue.disputes(9) == []
    view = await pairs.queue.view("q0001")
    assert (view.state, view.answer, view.disputed) == (State.LABELLED, label, False)


async def test_a_dispute_that_nobody_decides_in_time_expires(pairs: Store) -> None:
    """The query is finished: neither disputed any more, nor to be resolved once again."""
    await opined(pairs, "fraud", "legitimate")
    await pairs.queue.dispute("q0001")
    await pairs.advance(EXPIRE)
    await pairs.queue.sweep()
    assert (await pairs.queue.view("q0001")).state == State.EXPIRED
    assert await pairs.queue.disputes(9) == await pairs.queue.complete(9) == []
    assert await pairs.client.pttl("{test}:query:q0001") > 0


async def test_only_a_complete_query_can_be_disputed(pairs: Store) -> None:
    """While opinions are to come, and once it has its label, nothing changes."""
    await opined(pairs, "fraud")
    await pairs.queue.dispute("q0001")
    assert len((await pairs.queue.view("q0001")).slots) == 2
    await answered(pairs, await taken(pairs, BOB), "fraud", "bob")
    await pairs.queue.settle([Answer("q0001", "fraud", "ann,bob", 9)])
    await pairs.queue.dispute("q0001")
    assert (await pairs.queue.view("q0001")).state == State.LABELLED


async def test_an_opinion_is_not_lost_when_the_other_slot_expires(pairs: Store) -> None:
    """The query is complete with what it has."""
    await opined(pairs, "fraud")
    await pairs.advance(EXPIRE)
    await pairs.queue.sweep()
    (view,) = await pairs.queue.complete(9)
    assert [slot.state for slot in view.slots] == [State.OPINED, State.EXPIRED]


async def test_a_query_whose_slots_all_expire_is_forgotten(pairs: Store) -> None:
    """As one with a single slot."""
    await pairs.advance(EXPIRE)
    assert await pairs.queue.sweep() == 2
    assert await pairs.queue.complete(9) == []
    assert (await pairs.queue.view("q0001")).state == State.EXPIRED
    for slot in ("q0001", "q0001~2"):
        assert 0 < await pairs.client.pttl(f"{{test}}:query:{slot}") <= SETTINGS.retain_seconds * 1000


async def test_the_first_opinion_on_a_slot_in_the_log_stands(pairs: Store) -> None:
    """In whatever order the desks learn of them."""
    await taken(pairs, ANN)
    later = Answer("q0001", "fraud", "ann", 9, kind="overlap", slot=1)
    earlier = Answer("q0001", "legitimate", "bob", 4, kind="overlap", slot=1)
    assert await pairs.queue.settle([later]) == [later]
    assert await pairs.queue.settle([earlier]) == [earlier]
    assert await pairs.queue.settle([later]) == [earlier]


async def test_the_fence_names_the_slot(pairs: Store) -> None:
    """Two reviewers hold slots of one query; each acts on their own only, by their own fence."""
    mine, theirs = await taken(pairs, ANN), await taken(pairs, BOB)
    for fence, reviewer in ((mine.fence, "bob"), (theirs.fence, "ann")):
        with pytest.raises(Superseded):
            await pairs.queue.release("q0001", fence, reviewer)
    await pairs.queue.release("q0001", theirs.fence, "bob")
    assert (await pairs.queue.extend("q0001", mine.fence, "ann")).fence == mine.fence
    view = await pairs.queue.view("q0001")
    assert [(slot.state, slot.holder) for slot in view.slots] == [
        (State.LEASED, "ann"),
        (State.WAITING, ""),
    ]


async def test_a_label_closes_every_slot_and_what_comes_later_is_an_opinion(pairs: Store) -> None:
    """The log is the truth: whoever still holds a slot is too late."""
    mine = await taken(pairs, ANN)
    await pairs.queue.settle([Answer("q0001", "fraud", "somebody", 3)])
    await assert_one_state_each(pairs.client)
    with pytest.raises(TooLate) as refusal:
        await begin(pairs, mine, "legitimate", "ann")
    assert refusal.value.query == query(1)
    view = await pairs.queue.view("q0001")
    assert view.state == State.LABELLED
    assert view.opinions == [{"reviewer": "ann", "label": "legitimate"}]


async def test_opinions_of_slots_that_there_are_not_are_left_out(pairs: Store) -> None:
    """The configuration may have changed since the log was written."""
    strange = Answer("q0001", "fraud", "ann", 3, kind="overlap", slot=3)
    assert await pairs.queue.settle([strange]) == []
    assert (await pairs.queue.view("q0001")).state == State.WAITING


async def test_a_long_head_of_no_use_to_a_reviewer_does_not_leave_them_without_work(server: str) -> None:
    """One call looks at a bounded number of slots; the next goes on from there, and comes back."""
    async with empty_store(server, replace(SETTINGS, lease_seconds=9_999.0), PAIRS) as store:
        await store.queue.offer([query(number) for number in range(200)])
        given, in_vain = 0, 0
        while given < 200 and in_vain < 4:
            claims = await store.queue.claim(ANN, [], 1)
            given, in_vain = given + len(claims), 0 if claims else in_vain + 1
        assert given == 200
        await store.queue.offer([query(300, utility=1.0)])
        assert (await taken(store, ANN)).query == query(300, utility=1.0)
