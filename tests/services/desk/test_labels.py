"""What a label at the desk leads to, and what several at once lead to."""

from __future__ import annotations

import asyncio

import pytest

from streamsel.ports import Answer
from streamsel.review.lifecycle import State
from streamsel.review.refusals import NotALabel, Superseded
from streamsel.services.desk import Desk
from tests.contracts.review_queue.stores import BOB, LEASE, RECORDING, Store
from tests.services.desk.desks import (
    LABELS,
    HoldUp,
    LabelLogDouble,
    claimed,
    desk_of,
    give,
    running,
    until_state,
)


async def test_a_label_goes_to_the_log_with_all_that_learning_needs(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """The record is self-contained: the model can be rebuilt from the log alone."""
    claim = await claimed(store, desk)
    answer, replayed = await give(desk, claim, "fraud")
    assert (answer, replayed) == (Answer("q0001", "fraud", "ann", 0), False)
    (record,) = log.labels()
    copied = ("query_id", "event_id", "features", "segments", "lane", "propensity", "probabilities")
    for name in (*copied, "model_version", "decided_at"):
        assert getattr(record, name) == getattr(claim.query, name)
    assert (record.label_id, record.revision) == ("q0001", 1)
    assert (record.label, record.labelled_by, record.source) == ("fraud", "ann", "reviewer")
    assert (await desk.view("q0001")).answer == answer


async def test_i4_a_repeated_label_is_a_replay(store: Store, desk: Desk, log: LabelLogDouble) -> None:
    """It gets the stored answer, and the log nothing more."""
    claim = await claimed(store, desk)
    answer, _ = await give(desk, claim, "fraud")
    assert await give(desk, claim, "fraud") == (answer, True)
    assert len(log.records) == 1


async def test_what_is_no_label_is_refused_before_anything_happens(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """The refusal names the labels there are."""
    claim = await claimed(store, desk)
    with pytest.raises(NotALabel, match="'maybe' is not a label; the labels are fraud, legitimate"):
        await give(desk, claim, "maybe")
    assert (await desk.view("q0001")).state == State.LEASED
    assert log.records == []


async def test_i5_of_a_late_label_and_a_newer_claim_only_the_newer_counts(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """The late one is refused and kept as an opinion."""
    late = await claimed(store, desk)
    await store.advance(LEASE)
    (newer,) = await desk.claim(BOB)
    with pytest.raises(Superseded):
        await give(desk, late, "fraud")
    await give(desk, newer, "legitimate", by="bob")
    assert [record.labelled_by for record in log.labels()] == ["bob"]
    assert (await desk.view("q0001")).opinions == [{"reviewer": "ann", "label": "fraud"}]


async def test_i8_a_repetition_that_overtakes_its_first_attempt_is_learned_once(
    store: Store, log: LabelLogDouble
) -> None:
    """The log has the label twice under one id and revision; both are told of the one that stands."""
    first, second = desk_of(store.queue, log), desk_of(await store.another_queue(), log)
    claim = await claimed(store, first)
    log.before = hold_up = HoldUp()
    slow = asyncio.create_task(give(first, claim, "fraud"))
    await hold_up.reached.wait()
    answer, replayed = await give(second, claim, "fraud")
    hold_up.go_on.set()
    assert (answer.offset, replayed) == (0, False)
    assert await slow == (answer, True)
    assert [(record.label_id, record.revision) for record in log.labels()] == [("q0001", 1)] * 2


async def test_a_repetition_beside_its_first_attempt_finds_what_the_log_has(
    store: Store, log: LabelLogDouble
) -> None:
    """The log has the label, its desk has yet to hear so: another desk reads it there."""
    first, second = desk_of(store.queue, log), desk_of(await store.another_queue(), log)
    claim = await claimed(store, first)
    log.after = hold_up = HoldUp()
    slow = asyncio.create_task(give(first, claim, "fraud"))
    await hold_up.reached.wait()
    answer, replayed = await give(second, claim, "fraud")
    hold_up.go_on.set()
    assert (answer.offset, replayed) == (0, True)
    assert await slow == (answer, False)
    assert len(log.records) == 1


async def test_two_racing_labels_of_one_claim_leave_one(store: Store, log: LabelLogDouble) -> None:
    """Of two different labels under one fence, one counts and the other is refused."""
    desks = [desk_of(store.queue, log), desk_of(await store.another_queue(), log)]
    claim = await claimed(store, desks[0])
    outcomes = await asyncio.gather(
        *(give(desk, claim, label, key=label) for desk, label in zip(desks, LABELS, strict=True)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["TooLate", "tuple"]
    (record,) = log.labels()
    assert (await desks[0].view("q0001")).answer == Answer("q0001", record.label, "ann", 0)


async def test_a_label_that_reached_the_log_after_anothers_is_told_so(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """A desk held up past its recording time: the log had a different answer first, and that one stands."""
    claim = await claimed(store, desk)
    other = desk_of(await store.another_queue(), log)
    log.before = hold_up = HoldUp()
    slow = asyncio.create_task(give(desk, claim, "fraud"))
    await hold_up.reached.wait()
    await store.advance(RECORDING)
    async with running(other):
        await until_state(other, claim, State.WAITING)
    (newer,) = await other.claim(BOB)
    answer, _ = await give(other, newer, "legitimate", by="bob")
    hold_up.go_on.set()
    with pytest.raises(Superseded, match="an earlier answer"):
        await slow
    assert (await desk.view("q0001")).answer == answer
