"""What happened in the end: open queries answered, labels added, corrected and disputed, poison set aside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from loadtest.inside.fate import Killed
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.codec import query_id_of
from streamsel.codec.layout import Layout
from streamsel.learning.fold import Fold
from streamsel.learning.spec import ModelSpec
from streamsel.records import Label, Lane, Query
from streamsel.review.lifecycle import State
from streamsel.review.oracles import Terms
from streamsel.review.refusals import LabelLogUnreachable, Superseded
from streamsel.selection.draws import holdout_draws
from tests.contracts.review_queue.stores import ANN, query
from tests.core.review_records import answer
from tests.services.desk.desks import LABELS, give, raising, until
from tests.services.oracles.bench import Bench, Scripted, released_hold
from tests.services.oracles.outcomes_bench import HELD_OUT, TERMS, TRUTH, Outcomes

GPT = Terms("gpt", 50)


@pytest.fixture
async def outcomes(bench: Bench, valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Outcomes]:
    made = Outcomes(bench, valkey.url, prefix)
    yield made
    await made.close()


def asked(number: int, utility: float = 0.9) -> Query:
    """A query whose id is its event's."""
    made = query(number, utility=utility)
    return replace(made, query_id=query_id_of(made.event_id))


def ended(number: int, label: str, **more: Any) -> dict[str, Any]:
    """What happened in the end to that query's event."""
    return {"id": f"transaction-{number}", "label": label, **more}


def said(number: int, label: str = "fraud", by: str = "ann", **more: Any) -> Label:
    """A label of that query in the log."""
    one = asked(number)
    return replace(
        answer(label, by, query_id=one.query_id, **more), event_id=one.event_id, features=one.features
    )


async def test_a_waiting_query_is_answered(bench: Bench, outcomes: Outcomes) -> None:
    """Its label has a source of its own, and is no evidence about the stream."""
    waiting = asked(1)
    await bench.store.queue.offer([waiting])
    await outcomes.told(ended(1, "fraud", at=1_800_000_100))
    (label,) = bench.log.labels()
    assert (label.label_id, label.query_id, label.revision) == (waiting.query_id, waiting.query_id, 1)
    assert (label.source, label.labelled_by, label.labelled_at) == ("outcome", "outcomes", 1_800_000_100.0)
    assert (label.lane, label.propensity, label.features) == ("none", 0.0, waiting.features)
    assert (await bench.desk.view(waiting.query_id)).state == State.LABELLED


@pytest.mark.parametrize("lane", ["explore", "holdout"])
async def test_a_query_drawn_at_random_is_left_to_people(
    bench: Bench, outcomes: Outcomes, lane: Lane
) -> None:
    """Whatever the authority: the outcome is kept as an opinion, once, and people's answer is the label. Only
    that may be corrected afterwards, and the event stays drawn as it was."""
    drawn_so = replace(asked(1), lane=lane)
    await bench.store.queue.offer([drawn_so])
    await outcomes.told(ended(1, "fraud"), ended(1, "fraud"), terms=(TRUTH,))
    assert bench.log.labels() == []
    assert [(one.kind, one.label) for one in bench.opinions] == [("oracle", "fraud")]
    (claim,) = await bench.desk.claim(ANN)
    await give(bench.desk, claim, "fraud")
    await outcomes.told(ended(1, "legitimate"), terms=(TRUTH,))
    assert [(one.source, one.label, one.lane, one.propensity) for one in bench.log.labels()] == [
        ("reviewer", "fraud", lane, drawn_so.propensity),
        ("outcome", "legitimate", lane, drawn_so.propensity),
    ]


async def test_who_holds_the_query_is_told_that_it_is_answered(bench: Bench, outcomes: Outcomes) -> None:
    """As by any other answer that came first."""
    await bench.store.queue.offer([asked(1)])
    (claim,) = await bench.desk.claim(ANN)
    await outcomes.told(ended(1, "fraud"))
    with pytest.raises(Superseded):
        await give(bench.desk, claim, "legitimate")
    standing = (await bench.desk.view(claim.query.query_id)).answer
    assert standing is not None
    assert (standing.label, standing.labelled_by) == ("fraud", "outcomes")


async def test_an_event_nobody_was_asked_about_is_learned_from_its_features(
    bench: Bench, outcomes: Outcomes
) -> None:
    """Redacted ones are in no label."""
    layout = Layout(redact=["card"])
    told = ended(7, "fraud", features={"amount": 9.5, "card": {"number": "4111"}})
    await outcomes.tell(told)
    async with outcomes.consumer(layout=layout):
        await until(lambda: bool(bench.log.records))
    (label,) = bench.log.labels()
    assert (label.label_id, label.query_id) == (f"outcome-{query_id_of('transaction-7')}", None)
    assert (label.features, label.lane) == ({"amount": 9.5}, "none")
    assert Fold(ModelSpec(labels=LABELS)).apply(0, label).outcome == "learned"


async def test_an_event_that_may_have_been_held_out_teaches_no_model(
    bench: Bench, outcomes: Outcomes
) -> None:
    """The query may have expired and be forgotten: the draw, made again, tells; the outcome is kept."""
    numbers = range(1_000)
    drawn = holdout_draws([f"transaction-{number}" for number in numbers])
    number = next(number for number in numbers if drawn[number] < HELD_OUT)
    await outcomes.told(ended(number, "fraud", features={"amount": 9.5}))
    (label,) = bench.log.labels()
    assert (label.lane, label.propensity) == ("holdout", 0.0)
    assert Fold(ModelSpec(labels=LABELS)).apply(0, label).outcome == "held_out"


async def test_told_twice_it_counts_once_and_told_anew_it_is_a_new_revision(
    bench: Bench, outcomes: Outcomes
) -> None:
    """And one that was overtaken changes nothing."""
    first = ended(7, "fraud", at=10, features={"amount": 1.0})
    appealed = ended(7, "legitimate", at=20)
    await outcomes.told(first, first)
    await outcomes.told(first)
    await outcomes.told(appealed, first, appealed)
    assert [(label.revision, label.label) for label in bench.log.labels()] == [
        (1, "fraud"),
        (2, "legitimate"),
    ]


async def test_beside_a_persons_label_it_is_an_opinion(bench: Bench, outcomes: Outcomes) -> None:
    """Which people's agreement is measured by; the query may be long forgotten."""
    await bench.write(said(1, "fraud"), said(2, "fraud"))
    await outcomes.told(ended(1, "fraud"), ended(2, "legitimate"), ended(2, "legitimate"))
    assert [(one.kind, one.label) for one in bench.opinions] == [
        ("oracle", "fraud"),
        ("oracle", "legitimate"),
    ]
    async with bench.following(TERMS) as follower:
        await follower.caught_up()
        assert follower.accounts.standing("outcomes").agreement == 0.5


async def test_declared_the_truth_it_corrects_people(bench: Bench, outcomes: Outcomes) -> None:
    """By a newer revision with the features that were labelled; what is right already stays."""
    await bench.write(said(1, "fraud"), said(2, "fraud"))
    await outcomes.told(ended(1, "fraud"), ended(2, "legitimate"), terms=(TRUTH,))
    (corrected,) = bench.log.labels()[2:]
    assert (corrected.label_id, corrected.revision) == (asked(2).query_id, 2)
    assert (corrected.label, corrected.source, corrected.seconds) == ("legitimate", "outcome", None)
    assert corrected.features == asked(2).features


async def test_a_label_put_in_beforehand_is_corrected_and_not_doubled(
    bench: Bench, outcomes: Outcomes
) -> None:
    """The event would else be learned twice."""
    seed_id = f"seed-{query_id_of('transaction-3')}"
    await bench.write(replace(said(3, source="seed"), label_id=seed_id, query_id=None))
    await outcomes.told(ended(3, "legitimate", features={"amount": 1.0}), terms=(TRUTH,))
    assert [(label.label_id, label.revision) for label in bench.log.labels()] == [(seed_id, 1), (seed_id, 2)]


async def test_where_oracles_disagree_people_decide(bench: Bench, outcomes: Outcomes) -> None:
    """The label is taken back, the query waits again, and the oracle whose queue that is passes it on."""
    one = asked(1, utility=0.1)
    await bench.store.queue.offer([one])
    async with bench.oracle(Scripted()) as oracle:
        await oracle.work()
    await outcomes.told(ended(1, "legitimate"), terms=(TERMS, GPT))
    await outcomes.told(ended(1, "legitimate"), terms=(TERMS, GPT))
    await released_hold(bench.store)
    scripted = Scripted()
    async with bench.oracle(scripted) as oracle:
        assert await oracle.work() == 1
    assert scripted.asked == []
    (claim,) = await bench.desk.claim(ANN)
    decided, _ = await give(bench.desk, claim, "fraud")
    assert (decided.revision, decided.labelled_by) == (3, "ann")
    assert [type(record).__name__ for record in bench.records] == ["Label", "Retraction", "Opinion", "Label"]


async def test_over_an_oracle_of_less_authority_it_decides(bench: Bench, outcomes: Outcomes) -> None:
    """As it does over one that is configured no more."""
    await bench.write(said(1, by="gpt", source="model"), said(2, by="gone", source="model"))
    terms = (TERMS, replace(GPT, authority=10))
    await outcomes.told(ended(1, "legitimate"), ended(2, "legitimate"), terms=terms)
    assert [(label.revision, label.source) for label in bench.log.labels()[2:]] == [(2, "outcome")] * 2


async def test_to_be_checked_or_at_its_cap_it_leaves_the_query_to_people(
    bench: Bench, outcomes: Outcomes
) -> None:
    """And keeps its word as an opinion."""
    await bench.store.queue.offer([asked(1), asked(2)])
    await outcomes.told(ended(1, "fraud"), terms=(replace(TERMS, check=1.0),))
    await outcomes.told(ended(2, "fraud"), terms=(replace(TERMS, cap=0.5),))
    assert bench.log.labels() == []
    assert len(bench.opinions) == 2
    assert len(await bench.desk.claim(ANN, count=9)) == 2


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (b"\x00", "not_json"),
        (b'{"id": "a", "label": NaN}', "not_finite"),
        (b'["a"]', "not_an_object"),
        (b'{"id": "a", "id": "b", "label": "fraud"}', "duplicate_keys"),
        (b'{"id": "a"}', "unknown_label"),
        (b'{"id": "a", "label": "Fraud"}', "unknown_label"),
        (b'{"id": "a", "label": ["fraud"]}', "unknown_label"),
        (b'{"label": "fraud"}', "wrong_type"),
        (b'{"id": 1.5, "label": "fraud"}', "wrong_type"),
        (b'{"id": "a", "label": "fraud", "at": "yesterday"}', "wrong_type"),
        (b'{"id": "a", "label": "fraud", "features": [1]}', "wrong_type"),
        (b'{"id": "a", "label": "fraud", "features": {}}', "no_features"),
        (b'{"id": "a", "label": "fraud"}', "unknown_event"),
    ],
)
async def test_what_cannot_be_used_is_set_aside_and_the_stream_goes_on(
    bench: Bench, outcomes: Outcomes, poison: bytes, reason: str
) -> None:
    """With its reason and what came."""
    await outcomes.told(poison, ended(7, "fraud", features={"amount": 1.0}))
    (letter,) = await outcomes.letters()
    assert (letter.reason, letter.payload) == (reason, poison)
    assert len(bench.log.labels()) == 1
    assert bench.counted("dead_letter", "outcomes") == 1


async def test_of_a_stream_with_fields_to_hide_a_dead_letter_has_no_payload(
    bench: Bench, outcomes: Outcomes
) -> None:
    """Nor a detail that might quote it."""
    await outcomes.tell(b'{"id": "a", "label": "4111 1111", "features": {"card": "4111"}}')
    async with outcomes.consumer(layout=Layout(redact=["card"])):
        await until(lambda: bench.counted("dead_letter", "outcomes") == 1)
    (letter,) = await outcomes.letters()
    assert letter.payload == b""
    assert "4111" not in letter.detail


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_around_its_append_an_outcome_counts_once(
    bench: Bench, outcomes: Outcomes, when: str
) -> None:
    """It is delivered again, and found in the log or put there."""
    await bench.store.queue.offer([asked(1)])
    setattr(bench.log, when, raising(Killed()))
    await outcomes.tell(ended(1, "fraud"))
    with pytest.raises(Killed):
        await outcomes.killed()
    assert await outcomes.committed() == 0
    await outcomes.told()
    assert [(label.revision, label.label) for label in bench.log.labels()] == [(1, "fraud")]


async def test_an_outage_of_the_log_is_waited_out(bench: Bench, outcomes: Outcomes) -> None:
    """Nothing is committed before it is done."""
    await bench.store.queue.offer([asked(1)])
    bench.log.before = raising(LabelLogUnreachable("away"))
    await outcomes.told(ended(1, "fraud"))
    assert len(bench.log.labels()) == 1


async def test_a_label_that_comes_first_is_taken_into_account(bench: Bench, outcomes: Outcomes) -> None:
    """Appended just before: the outcome loses against it, and is looked at again."""
    await bench.store.queue.offer([asked(1)])

    async def meanwhile() -> None:
        bench.log.before = _nothing
        await bench.write(said(1, "legitimate"))

    bench.log.before = meanwhile
    await outcomes.told(ended(1, "fraud"))
    assert [(label.revision, label.source) for label in bench.log.labels()] == [
        (1, "reviewer"),
        (1, "outcome"),
    ]
    assert [one.label for one in bench.opinions] == ["fraud"]
    await bench.desk.replay()
    standing = (await bench.desk.view(asked(1).query_id)).answer
    assert standing is not None
    assert standing.labelled_by == "ann"


async def _nothing() -> None:
    """The log works."""
