"""Answers taken back, and answers corrected: the newest revision stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamsel.ports import Answer, Claim, GoldQuery, Recording, Retracted, Undoing
from streamsel.review.lifecycle import State
from streamsel.review.refusals import NotUndoable, Stale, Superseded, UnknownQuery
from tests.contracts.review_queue.stores import (
    ANN,
    BOB,
    CAT,
    LEASE,
    PAIRS,
    SETTINGS,
    Store,
    answered,
    assert_one_state_each,
    begin,
    claimed,
    empty_store,
    query,
    state_of,
    taken,
)


async def undone(store: Store, answer: Answer) -> Claim:
    """The answer taken back by the one who gave it, who holds the query again."""
    call = answer.query_id, answer.revision, answer.labelled_by
    opened = await store.queue.retract(*call)
    assert isinstance(opened, Undoing)
    await store.queue.settle([Retracted(opened.label_id, opened.revision, answer.offset + 1_000)])
    claim = await store.queue.retract(*call)
    assert isinstance(claim, Claim)
    return claim


async def test_an_undone_answer_is_in_its_reviewers_hands_again(store: Store) -> None:
    """Under a new fence and lease, for nobody else; the next label has the next revision."""
    first = await claimed(store)
    answer = await answered(store, first, "fraud", "ann")
    claim = await undone(store, answer)
    assert claim.query == first.query
    assert claim.fence > first.fence
    assert claim.lease_expires_at == pytest.approx(store.now + LEASE)
    assert await store.queue.claim(BOB, [], 9) == []
    view = await store.queue.view("q0001")
    assert (view.state, view.answer, view.revision) == (State.LEASED, None, 2)
    recording = await begin(store, claim, "legitimate")
    assert isinstance(recording, Recording)
    assert (recording.revision, recording.repeated) == (3, False)
    corrected = Answer("q0001", "legitimate", "ann", 5_000, revision=3)
    assert await store.queue.settle([corrected]) == [corrected]
    assert (await store.queue.view("q0001")).answer == corrected
    assert (await store.queue.answers("ann"))[0].answer == corrected


async def test_whoever_settles_the_retraction_the_query_goes_to_the_one_who_undoes(store: Store) -> None:
    """Another desk that follows the log may be faster."""
    await answered(store, await claimed(store), "fraud", "ann")
    await store.queue.retract("q0001", 1, "ann")
    await (await store.another_queue()).settle([Retracted("q0001", 2, 900)])
    assert await store.queue.claim(BOB, [], 9) == []
    assert isinstance(await store.queue.retract("q0001", 1, "ann"), Claim)


async def test_a_retraction_that_nobody_waits_for_opens_the_query_to_all(store: Store) -> None:
    """As when an administrator retracts."""
    claim = await claimed(store)
    await answered(store, claim, "fraud", "ann")
    assert await store.queue.settle([Retracted("q0001", 2, 900)]) == []
    assert await state_of(store, claim) == State.WAITING
    assert await store.client.pttl("{test}:query:q0001") == -1
    with pytest.raises(Superseded):
        await begin(store, claim, "fraud")
    assert (await taken(store, BOB)).query == claim.query


async def test_undoing_changes_nothing_until_the_log_has_it(store: Store) -> None:
    """Killed before, the answer stands."""
    claim = await claimed(store)
    answer = await answered(store, claim, "fraud", "ann")
    for _ in range(2):
        assert await store.queue.retract("q0001", 1, "ann") == Undoing("q0001", 2)
    view = await store.queue.view("q0001")
    assert (view.state, view.answer) == (State.LABELLED, answer)


async def test_an_undone_answer_left_alone_is_for_others(store: Store) -> None:
    """The lease lapses as any other."""
    claim = await undone(store, await answered(store, await claimed(store), "fraud", "ann"))
    await store.advance(LEASE)
    assert (await taken(store, BOB)).query == claim.query


async def test_only_the_newest_revision_can_be_undone(store: Store) -> None:
    """Whoever has seen an older one is told so."""
    answer = await answered(store, await claimed(store), "fraud", "ann")
    await store.queue.settle([replace(answer, label="legitimate", revision=2, offset=900)])
    with pytest.raises(Stale) as refusal:
        await store.queue.retract("q0001", 1, "ann")
    assert refusal.value.revision == 2
    assert isinstance(await store.queue.retract("q0001", 2, "ann"), Undoing)


async def test_another_reviewers_answer_cannot_be_undone(store: Store) -> None:
    """Nor one that was never given, nor that of a query there is not."""
    await answered(store, await claimed(store), "fraud", "ann")
    await store.queue.offer([query(2)])
    for query_id in ("q0001", "q0002"):
        with pytest.raises(NotUndoable):
            await store.queue.retract(query_id, 1, "bob")
    with pytest.raises(UnknownQuery):
        await store.queue.retract("none", 1, "ann")


async def test_the_last_ten_answers_can_be_undone(store: Store) -> None:
    """No more; they are listed, the newest first."""
    given = [await answered(store, await claimed(store, number), "fraud", "ann") for number in range(12)]
    past = await store.queue.answers("ann")
    assert [one.answer for one in past] == given[:1:-1]
    assert past[0].event_id == "transaction-11"
    assert past[0].answered_at == pytest.approx(store.now)
    assert await store.queue.answers("bob") == []
    assert isinstance(await store.queue.retract("q0002", 1, "ann"), Undoing)
    with pytest.raises(NotUndoable):
        await store.queue.retract("q0001", 1, "ann")


async def test_a_corrected_answer_is_its_correctors(store: Store) -> None:
    """A newer revision stands, whoever it is by; it leaves the first one's list."""
    answer = await answered(store, await claimed(store), "fraud", "ann")
    corrected = replace(answer, label="legitimate", labelled_by="lea", revision=2, offset=900)
    assert await store.queue.settle([corrected]) == [corrected]
    assert await store.queue.settle([answer]) == [corrected]
    assert (await store.queue.view("q0001")).answer == corrected
    assert await store.queue.answers("ann") == []
    assert [one.answer for one in await store.queue.answers("lea")] == [corrected]


async def test_of_equal_revisions_the_first_in_the_log_stands(store: Store) -> None:
    """Two corrections at once: every desk comes to the same."""
    answer = await answered(store, await claimed(store), "fraud", "ann")
    later = replace(answer, label="legitimate", revision=2, offset=901)
    earlier = replace(answer, label="unclear", revision=2, offset=900)
    assert await store.queue.settle([later]) == [later]
    assert await store.queue.settle([earlier]) == [earlier]
    assert await store.queue.settle([later]) == [earlier]


async def test_an_older_retraction_takes_nothing_back(store: Store) -> None:
    """Nor one of equal revision that came later."""
    answer = await answered(store, await claimed(store), "fraud", "ann")
    corrected = replace(answer, label="legitimate", revision=2, offset=900)
    await store.queue.settle([corrected, Retracted("q0001", 2, 901), Retracted("q0001", 1, 5)])
    assert (await store.queue.view("q0001")).answer == corrected


async def test_an_opinion_can_be_undone_while_others_are_to_come(server: str) -> None:
    """It is the same slot again, and no longer complete."""
    async with empty_store(server, routing=PAIRS) as store:
        await store.queue.offer([query(1)])
        await answered(store, await taken(store, ANN), "fraud", "ann")
        opinion = await answered(store, await taken(store, BOB), "fraud", "bob")
        assert len(await store.queue.complete(9)) == 1
        claim = await undone(store, opinion)
        assert await store.queue.complete(9) == []
        await assert_one_state_each(store.client)
        recording = await begin(store, claim, "legitimate", "bob")
        assert isinstance(recording, Recording)
        assert (recording.kind, recording.slot, recording.revision) == ("overlap", 2, 3)


async def test_an_opinion_that_was_built_on_cannot_be_undone(server: str) -> None:
    """Once disputed, or resolved to a label; the label log's word does not change that."""
    async with empty_store(server, routing=PAIRS) as store:
        await store.queue.offer([query(1), query(2)])
        for reviewer, label in ((ANN, "fraud"), (BOB, "legitimate")):
            for claim in await store.queue.claim(reviewer, [], 2):
                await answered(store, claim, label, reviewer.name)
        await store.queue.dispute("q0001")
        await store.queue.settle([Answer("q0002", "fraud", "ann,bob", 800)])
        for query_id in ("q0001", "q0002"):
            with pytest.raises(NotUndoable):
                await store.queue.retract(query_id, 1, "ann")
            await store.queue.settle([Retracted(f"{query_id}~1", 2, 900)])
        states = [(await store.queue.view(query_id)).state for query_id in ("q0001", "q0002")]
        assert states == [State.WAITING, State.LABELLED]


async def test_a_retracted_consensus_is_to_be_decided(server: str) -> None:
    """The opinions stand; one who gave none decides."""
    async with empty_store(server, routing=PAIRS) as store:
        await store.queue.offer([query(1)])
        await answered(store, await taken(store, ANN), "fraud", "ann")
        await answered(store, await taken(store, BOB), "fraud", "bob")
        await store.queue.settle([Answer("q0001", "fraud", "ann,bob", 800)])
        await store.queue.settle([Retracted("q0001", 2, 900)])
        view = await store.queue.view("q0001")
        assert (view.state, view.disputed) == (State.WAITING, True)
        assert await store.queue.claim(ANN, [], 9) == []
        claim = await taken(store, CAT)
        recording = await begin(store, claim, "legitimate", "cat")
        assert isinstance(recording, Recording)
        assert (recording.kind, recording.revision) == ("label", 3)


async def test_one_who_decided_a_dispute_can_undo_it(server: str) -> None:
    """As the answer to any other query."""
    async with empty_store(server, routing=PAIRS) as store:
        await store.queue.offer([query(1)])
        await answered(store, await taken(store, ANN), "fraud", "ann")
        await answered(store, await taken(store, BOB), "legitimate", "bob")
        await store.queue.dispute("q0001")
        label = await answered(store, await taken(store, CAT), "fraud", "cat")
        assert (await undone(store, label)).queue == "escalated"
        assert len(await store.queue.disputes(9)) == 1


async def test_an_answer_to_gold_can_be_undone(server: str) -> None:
    """Like any other: nothing tells it apart."""
    async with empty_store(server, replace(SETTINGS, gold_share=1.0)) as store:
        await store.queue.set_gold([GoldQuery(query(91), "fraud")])
        answer = await answered(store, await taken(store, ANN), "legitimate", "ann")
        claim = await undone(store, answer)
        recording = await begin(store, claim, "fraud")
        assert isinstance(recording, Recording)
        assert (recording.kind, recording.revision) == ("gold", 3)
