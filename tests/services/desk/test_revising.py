"""Undoing and correcting: newer revisions in the log, and what they do to the query."""

from __future__ import annotations

import pytest

from streamsel.learning.applied import Outcome
from streamsel.learning.fold import Fold
from streamsel.learning.spec import ModelSpec
from streamsel.records import Label, Retraction
from streamsel.review.lifecycle import State
from streamsel.review.refusals import (
    LabelLogRefused,
    LabelLogUnreachable,
    NotALabel,
    NotUndoable,
    Stale,
    UnknownQuery,
    Unrecorded,
)
from streamsel.services.desk import Desk
from tests.contracts.review_queue.stores import ANN, BOB, LEASE, Store
from tests.services.desk.desks import LABELS, LabelLogDouble, claimed, give, raising, running, until
from tests.services.desk.panels import LEA, asked, opine, opinions, overlapping, panel_desk, records


async def answered(store: Store, desk: Desk, number: int = 1) -> str:
    """A query that Ann has answered with fraud."""
    claim = await claimed(store, desk, number)
    await give(desk, claim, "fraud", key=str(number))
    return claim.query.query_id


async def test_an_answer_undone_is_in_hand_again(store: Store, desk: Desk, log: LabelLogDouble) -> None:
    """The log has the retraction and then the other answer; the model learns that one alone."""
    query_id = await answered(store, desk)
    claim = await desk.undo(query_id, 1, "ann")
    assert (await desk.view(query_id)).state == State.LEASED
    assert await desk.claim(BOB) == []
    answer, _ = await give(desk, claim, "legitimate", key="again")
    assert answer.revision == 3
    first, retraction, second = records(log)
    assert isinstance(retraction, Retraction)
    assert (retraction.label_id, retraction.revision, retraction.retracted_by) == (query_id, 2, "ann")
    assert isinstance(first, Label)
    assert isinstance(second, Label)
    assert (second.revision, second.label) == (3, "legitimate")
    fold = Fold(ModelSpec(LABELS))
    for offset, record in enumerate(records(log)):
        fold.note(offset, record)
    assert [fold.apply(offset, record).outcome for offset, record in enumerate(records(log))] == [
        Outcome.DUPLICATE,
        Outcome.DUPLICATE,
        Outcome.LEARNED,
    ]


async def test_an_undone_answer_left_lying_is_for_others(store: Store, desk: Desk) -> None:
    """Its lease is as any other; undone once, it cannot be undone again."""
    query_id = await answered(store, desk)
    claim = await desk.undo(query_id, 1, "ann")
    assert await desk.undo(query_id, 1, "ann") == claim
    await store.advance(LEASE)
    (newer,) = await desk.claim(BOB)
    assert newer.query.query_id == query_id
    with pytest.raises((Stale, NotUndoable)):
        await desk.undo(query_id, 1, "ann")


async def test_a_correction_replaces_the_answer(store: Store, desk: Desk, log: LabelLogDouble) -> None:
    """By the reviewer's own newest answers; a repetition is told the same; the query stays answered."""
    query_id = await answered(store, desk)
    answer = await desk.correct(query_id, 1, ANN, "legitimate")
    assert (answer.label, answer.revision, answer.offset) == ("legitimate", 2, 1)
    assert await desk.correct(query_id, 1, ANN, "legitimate") == answer
    assert [(label.revision, label.label, label.seconds is None) for label in log.labels()] == [
        (1, "fraud", False),
        (2, "legitimate", True),
    ]
    view = await desk.view(query_id)
    assert (view.state, view.answer, view.revision) == (State.LABELLED, answer, 2)
    assert [past.answer for past in await desk.answers("ann")] == [answer]


async def test_a_lead_corrects_anybodys_label(store: Store, desk: Desk, log: LabelLogDouble) -> None:
    """In their own name; others may not."""
    query_id = await answered(store, desk)
    with pytest.raises(NotUndoable, match="only your own last answers"):
        await desk.correct(query_id, 1, BOB, "legitimate")
    with pytest.raises(NotUndoable):
        await desk.undo(query_id, 1, "bob")
    answer = await desk.correct(query_id, 1, LEA, "legitimate")
    assert answer.labelled_by == log.labels()[-1].labelled_by == "lea"


async def test_a_revision_that_is_not_the_newest_is_refused(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """With the newest one's number; nothing changes."""
    query_id = await answered(store, desk)
    await desk.correct(query_id, 1, ANN, "legitimate")
    for refused in (desk.correct(query_id, 1, ANN, "fraud"), desk.undo(query_id, 1, "ann")):
        with pytest.raises(Stale) as stale:
            await refused
        assert stale.value.revision == 2
    assert len(log.records) == 2


async def test_of_two_corrections_at_once_the_first_in_the_log_stands(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """The other is told that it knew too old a revision."""
    query_id = await answered(store, desk)
    other = panel_desk(store, log)

    async def overtake() -> None:
        log.before = LabelLogDouble().before  # once is enough
        await other.correct(query_id, 1, LEA, "legitimate")

    log.before = overtake
    with pytest.raises(Stale):
        await desk.correct(query_id, 1, ANN, "fraud")
    view = await desk.view(query_id)
    assert view.answer is not None
    assert (view.answer.label, view.answer.labelled_by) == ("legitimate", "lea")


async def test_what_cannot_be_corrected(store: Store, desk: Desk, log: LabelLogDouble) -> None:
    """No such label, no such query, nothing answered."""
    query_id = await answered(store, desk)
    with pytest.raises(NotALabel):
        await desk.correct(query_id, 1, ANN, "perhaps")
    with pytest.raises(UnknownQuery):
        await desk.correct("nothing", 1, ANN, "fraud")
    with pytest.raises(UnknownQuery):
        await desk.undo("nothing", 1, "ann")
    await claimed(store, desk, 2)
    with pytest.raises(NotUndoable):
        await desk.correct("q0002", 0, ANN, "fraud")
    assert len(log.records) == 1


async def test_only_the_last_ten_answers_can_be_undone(store: Store, desk: Desk) -> None:
    """The oldest of eleven cannot, nor be corrected by its reviewer."""
    for number in range(1, 12):
        await answered(store, desk, number)
    assert [past.answer.query_id for past in await desk.answers("ann")] == [
        f"q{number:04d}" for number in range(11, 1, -1)
    ]
    with pytest.raises(NotUndoable):
        await desk.undo("q0001", 1, "ann")
    with pytest.raises(NotUndoable):
        await desk.correct("q0001", 1, ANN, "legitimate")
    await desk.undo("q0002", 1, "ann")


@pytest.mark.parametrize("arrived", [False, True])
@pytest.mark.parametrize("what", ["undo", "correct"])
async def test_an_unconfirmed_revision_is_repeated_without_doubling(
    store: Store, desk: Desk, log: LabelLogDouble, what: str, arrived: bool
) -> None:
    """Whether or not the log had taken it when it failed to say so."""
    query_id = await answered(store, desk)

    async def revise() -> None:
        if what == "undo":
            await desk.undo(query_id, 1, "ann")
        else:
            await desk.correct(query_id, 1, ANN, "legitimate")

    failure = raising(LabelLogUnreachable("timed out"))
    if arrived:
        log.after = failure
    else:
        log.before = failure
    with pytest.raises(Unrecorded, match="please repeat"):
        await revise()
    log.reachable = False
    with pytest.raises(Unrecorded, match="does not answer"):
        await revise()
    log.reachable = True
    await revise()
    assert len(log.records) == 2


async def test_a_revision_the_log_refuses_changes_nothing(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """The answer stands as it was."""
    query_id = await answered(store, desk)
    log.before = raising(LabelLogRefused("the record is too large"))
    with pytest.raises(Unrecorded, match="the record is too large"):
        await desk.correct(query_id, 1, ANN, "legitimate")
    assert (await desk.view(query_id)).revision == 1


async def test_an_opinion_can_be_revised_until_it_is_resolved(server: str, log: LabelLogDouble) -> None:
    """Then others have built on it, and only a lead corrects the label."""
    async with overlapping(server) as store:
        desk = panel_desk(store, log)
        await asked(store, desk, "fraud", by=[ANN])
        assert (await desk.correct("q0001", 1, ANN, "legitimate")).kind == "overlap"
        claim = await desk.undo("q0001", 2, "ann")
        await give(desk, claim, "fraud", key="again")
        await opine(desk, BOB, "fraud")
        async with running(desk):
            await until(lambda: len(log.labels()) == 1)
            await until(lambda: _labelled(desk))
        assert [one.revision for one in opinions(log)] == [1, 2, 4, 1]
        for refused in (desk.undo("q0001", 4, "ann"), desk.correct("q0001", 4, ANN, "legitimate")):
            with pytest.raises(NotUndoable):
                await refused
        answer = await desk.correct("q0001", 1, LEA, "legitimate")
        assert (answer.kind, answer.revision) == ("label", 2)
        assert [(label.source, label.label) for label in log.labels()] == [
            ("consensus", "fraud"),
            ("reviewer", "legitimate"),
        ]


async def _labelled(desk: Desk) -> bool:
    return (await desk.view("q0001")).state == State.LABELLED
