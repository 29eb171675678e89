"""Queries that several reviewers answer: their opinions, and what becomes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streamsel.codec import encode_log_record
from streamsel.learning.applied import Outcome
from streamsel.learning.fold import Fold
from streamsel.learning.spec import ModelSpec
from streamsel.review.consensus import Rule
from streamsel.review.lifecycle import State
from streamsel.review.refusals import TooLate
from streamsel.services.desk import Desk
from tests.contracts.review_queue.stores import ANN, BOB, EXPIRE, LEASE, Store, query
from tests.core.review_records import gold
from tests.services.desk.desks import LABELS, HoldUp, LabelLogDouble, desk_of, give, running, until
from tests.services.desk.panels import (
    CYD,
    asked,
    opine,
    opinions,
    overlapping,
    panel_desk,
    records,
    take,
)


@pytest.fixture
async def store(server: str) -> AsyncIterator[Store]:
    """In which every query is for two reviewers."""
    async with overlapping(server) as empty:
        yield empty


async def test_each_answer_is_an_opinion_and_what_they_agree_on_the_label(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """The log has every opinion and one label, which names both; only the label is for the model."""
    async with running(desk):
        await asked(store, desk, "fraud", "fraud", by=[ANN, BOB])
        await until(lambda: len(log.labels()) == 1)
        await until(lambda: _is(desk, State.LABELLED))
    first, second = opinions(log)
    assert (first.label_id, first.labelled_by, first.slots) == ("q0001~1", "ann", 2)
    assert (second.label_id, second.labelled_by, second.kind) == ("q0001~2", "bob", "overlap")
    assert first.seconds is not None
    (label,) = log.labels()
    assert (label.label_id, label.label, label.source) == ("q0001", "fraud", "consensus")
    assert (label.labelled_by, label.revision, label.seconds) == ("ann,bob", 1, None)
    assert label.features == query(1).features
    view = await desk.view("q0001")
    assert view.answer is not None
    assert view.answer.label == "fraud"


async def test_before_the_last_opinion_there_is_no_label(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """And nobody answers twice: there is nothing left for the one who did."""
    async with running(desk):
        await asked(store, desk, "fraud", by=[ANN])
        assert await desk.claim(ANN) == []
        await until(lambda: _settled(store, 1))
        assert log.labels() == []
        await opine(desk, BOB, "fraud")
        await until(lambda: len(log.labels()) == 1)


async def test_a_dispute_is_decided_by_somebody_else(store: Store, desk: Desk, log: LabelLogDouble) -> None:
    """Where the query escalates to; neither of those who disagree may claim it there, and whoever decides
    gives the label."""
    async with running(desk):
        await asked(store, desk, "fraud", "legitimate", by=[ANN, BOB])
        await until(lambda: _disputed(desk))
        assert await desk.claim(ANN) == await desk.claim(BOB) == []
        claim = await take(desk, CYD)
        assert claim.queue == "escalated"
        (dispute,) = await desk.disputes(10)
        assert [slot.answer and slot.answer.label for slot in dispute.slots] == ["fraud", "legitimate", None]
        answer, _ = await give(desk, claim, "legitimate", by="cyd")
    assert (answer.kind, answer.label) == ("label", "legitimate")
    (label,) = log.labels()
    assert (label.source, label.labelled_by, label.label) == ("reviewer", "cyd", "legitimate")
    assert await desk.disputes(10) == []


@pytest.mark.parametrize(("rule", "agreed"), [("majority", True), ("unanimous", False)])
async def test_the_rule_decides_what_is_agreed(
    server: str, log: LabelLogDouble, rule: Rule, agreed: bool
) -> None:
    """Two of three are a majority, and not unanimous."""
    async with overlapping(server, reviewers=3) as store:
        desk = panel_desk(store, log, rule)
        async with running(desk):
            await asked(store, desk, "fraud", "legitimate", "fraud", by=[ANN, BOB, CYD])
            await until(lambda: _is(desk, State.LABELLED) if agreed else _disputed(desk))
    assert [label.label for label in log.labels()] == (["fraud"] if agreed else [])


async def test_the_weighted_rule_knows_who_has_been_right(server: str, log: LabelLogDouble) -> None:
    """One whose gold answers were right outweighs two who guess."""
    for number in range(60):
        for name, right in (("ann", True), ("bob", number % 2 == 0), ("cyd", number % 2 == 1)):
            await log.append([encode_log_record(gold(right, name, number))])
    async with overlapping(server, reviewers=3) as store:
        desk = panel_desk(store, log, "weighted")
        async with running(desk):
            await asked(store, desk, "fraud", "legitimate", "legitimate", by=[ANN, BOB, CYD])
            await until(lambda: len(log.labels()) == 1)
    (label,) = log.labels()
    assert (label.label, label.labelled_by) == ("fraud", "ann,bob,cyd")


async def test_two_desks_that_resolve_one_query_at_once_make_one_label(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """Both labels reach the log under one id and revision; the first stands, and is all the model learns."""
    await asked(store, desk, "fraud", "fraud", by=[ANN, BOB])
    log.before = hold_up = HoldUp()
    other = desk_of(store.queue, log)
    async with running(desk):
        await hold_up.reached.wait()
        async with running(other):
            await until(lambda: _is(other, State.LABELLED))
        hold_up.go_on.set()
        await until(lambda: len(log.labels()) == 2)
        await until(lambda: _settled(store, 4))
    first, second = log.labels()
    assert (first.label_id, first.revision) == (second.label_id, second.revision) == ("q0001", 1)
    view = await desk.view("q0001")
    assert view.answer is not None
    assert view.answer.offset == 2
    fold = Fold(ModelSpec(LABELS))
    outcomes = [fold.apply(offset, record).outcome for offset, record in enumerate(records(log))]
    assert outcomes == [Outcome.OPINION, Outcome.OPINION, Outcome.LEARNED, Outcome.DUPLICATE]


async def test_those_who_answered_decide_when_a_slot_expires(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """Nobody else came in time: the one opinion there is becomes the label."""
    async with running(desk):
        await asked(store, desk, "fraud", by=[ANN])
        await until(lambda: _settled(store, 1))
        await store.advance(EXPIRE + 1)
        await until(lambda: len(log.labels()) == 1)
    (label,) = log.labels()
    assert (label.source, label.labelled_by) == ("consensus", "ann")


async def test_an_opinion_too_late_to_count_is_in_the_log(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """Its reviewer is told, and nothing else changes."""
    await store.queue.offer([query(1)])
    lapsed = await take(desk, ANN)
    await store.advance(LEASE + 1)
    await opine(desk, BOB, "fraud")
    await opine(desk, CYD, "fraud")
    with pytest.raises(TooLate):
        await give(desk, lapsed, "legitimate")
    late = opinions(log)[-1]
    assert (late.kind, late.label, late.labelled_by) == ("late", "legitimate", "ann")
    async with running(desk):
        await until(lambda: len(log.labels()) == 1)
        assert log.labels()[0].labelled_by == "bob,cyd"
        await until(lambda: _settled(store, 4))
    assert (await desk.view("q0001")).opinions == [{"reviewer": "ann", "label": "legitimate"}]


async def test_leads_see_how_reviewers_agree(store: Store, desk: Desk, log: LabelLogDouble) -> None:
    """Beside what they hold and have answered."""
    async with running(desk):
        await asked(store, desk, "fraud", "legitimate", by=[ANN, BOB])
        await until(lambda: desk._follower.tally.position == 2)
        ann, bob = await desk.reviewers()
    assert (ann.activity.name, ann.activity.answered, ann.quality.answered) == ("ann", 1, 1)
    assert (bob.quality.compared, bob.quality.agreement) == (1, 0.0)
    assert bob.answers_an_hour == 1
    assert len(records(log)) == 2


async def _is(desk: Desk, state: State) -> bool:
    return (await desk.view("q0001")).state == state


async def _settled(store: Store, position: int) -> bool:
    return (await store.queue.settled()).position >= position


async def _disputed(desk: Desk) -> bool:
    return (await desk.view("q0001")).disputed
