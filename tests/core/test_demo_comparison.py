"""The rival on random labels is treated as the running model is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from streamsel.demo.comparison import NEIGHBOURHOOD, RIVALS, Comparison
from streamsel.demo.transactions import FEATURES, FRAUD, LABELS, LEGIT, Transaction, transactions
from streamsel.learning.spec import ModelSpec
from streamsel.records import Decision, Label, Source, Value

SPEC = ModelSpec(LABELS)


def transaction(position: int) -> Transaction:
    """Every fourth is a fraud, told by its amount alone."""
    truth = FRAUD if position % 4 == 3 else LEGIT
    amount = 900.0 if truth == FRAUD else 10.0
    event: dict[str, Value] = {**dict.fromkeys(FEATURES, 0.0), "amount": amount, "id": f"e{position}"}
    return Transaction(event, truth, None)


def decision(position: int, version: int, fraud: float | None = None) -> Decision:
    return Decision(
        event_id=f"e{position}",
        source=Source("events", 0, position),
        decided_at=float(position),
        model_version=version,
        probabilities={} if fraud is None else {LEGIT: 1.0 - fraud, FRAUD: fraud},
        utility=1.0,
        threshold=0.5,
        query_fraction=0.1,
        lane="none",
        propensity=0.1,
    )


def label(position: int, *, wrong: bool = False) -> Label:
    truth = transaction(position).truth
    return Label(
        label_id=f"q{position}",
        revision=1,
        event_id=f"e{position}",
        label={LEGIT: FRAUD, FRAUD: LEGIT}[truth] if wrong else truth,
        source="reviewer",
        labelled_by="reviewer-1",
        labelled_at=float(position),
        features={},
    )


def comparison(events: int, seed: int = 1) -> Comparison:
    return Comparison(SPEC, {f"e{position}": transaction(position) for position in range(events)}, seed)


def test_the_running_models_accuracy_is_that_of_its_decisions() -> None:
    """Right on e0 and e3, wrong on e1; nothing known of e2 counts as legit, which it is."""
    compared = comparison(4)
    compared.add_decisions([decision(0, 0, 0.2), decision(1, 0, 0.7), decision(2, 0), decision(3, 0, 0.9)])
    assert compared.running.accuracy == 0.75


def test_before_any_label_both_predict_the_first_label() -> None:
    """Three of four are legit, for the one as for the other."""
    compared = comparison(40)
    compared.add_decisions([decision(position, 0) for position in range(40)])
    assert compared.running.accuracy == compared.random_accuracy == 0.75


def learned_from(labels: Sequence[Label], version: int = 40) -> Comparison:
    """40 events decided before any label and 20 at the version; 40 labels make random ones of them all."""
    compared = comparison(60)
    compared.add_decisions([decision(position, 0) for position in range(40)])
    compared.add_records(labels)
    compared.add_decisions([decision(position, version, 0.0) for position in range(40, 60)])
    return compared


def test_the_rival_learns_what_it_draws() -> None:
    """30 of the first 40 are legit; with every event labelled it gets the last 20 right."""
    compared = learned_from([label(position) for position in range(40)])
    assert compared.random_accuracy == (30 + 20) / 60
    assert compared.running.accuracy == (30 + 15) / 60


def test_a_reviewers_mistakes_are_the_rivals_too() -> None:
    """As many wrong labels on each side: with all of them wrong, the rival gets the last 20 wrong."""
    compared = learned_from([label(position, wrong=True) for position in range(40)])
    assert compared.random_accuracy == 30 / 60


def test_the_rival_knows_no_label_before_the_running_model_does() -> None:
    """Labels lie in the log, but no decision has known them yet."""
    compared = comparison(60)
    compared.add_records([label(position) for position in range(40)])
    compared.add_decisions([decision(position, 0) for position in range(60)])
    assert compared.random_accuracy == 0.75


def test_random_labels_are_of_decided_events_nearby_each_once() -> None:
    """So a rival's delay is the running model's, it never sees ahead, and no label counts twice."""
    compared = comparison(1_000)
    compared.add_decisions([decision(position, 0) for position in range(200)])
    reached = set[int]()
    for version, position in enumerate(range(100, 800, 10), start=1):
        decided = position + 100
        compared.add_records([label(position)])
        compared.add_decisions([decision(decided, version)])
        for rival in compared.rivals:
            assert rival.version == len(rival.drawn) == version
            assert max(rival.drawn) < decided
            reached |= rival.drawn
        compared.add_decisions([decision(later, version) for later in range(decided + 1, decided + 10)])
    assert min(reached) >= 0
    assert max(reached) <= 790 + NEIGHBOURHOOD / 2


def test_rivals_differ_in_nothing_but_their_draws() -> None:
    """Otherwise averaging them would be idle."""
    compared = learned_from([label(position) for position in range(10)], version=10)
    assert len({frozenset(rival.drawn) for rival in compared.rivals}) == RIVALS
    assert {len(rival.drawn) for rival in compared.rivals} == {10}


def test_draws_follow_the_labels_events() -> None:
    """A rival's label is of an event within half the neighbourhood of the running model's."""
    compared = comparison(2_000)
    compared.add_decisions([decision(position, 0) for position in range(2_000)])
    compared.add_records([label(1_000)])
    compared.add_decisions([replace(decision(0, 1), event_id="e1999")])
    for rival in compared.rivals:
        (drawn,) = rival.drawn
        assert abs(drawn - 1_000) <= NEIGHBOURHOOD / 2


def test_the_rival_learns_the_features_that_the_stream_carries() -> None:
    """From real transactions, with categories and missing values: it comes to know fraud from the rest."""
    kept = {str(one.event["id"]): one for one in islice(transactions(1, 3_000), 3_000)}
    compared = Comparison(SPEC, kept, 1)
    for start in range(0, 3_000, 100):
        batch = [
            Decision(name, Source("events", 0, 0), 0.0, start, {}, 1.0, 0.5, 0.1, "none", 0.1)
            for name in list(kept)[start : start + 100]
        ]
        compared.add_decisions(batch)
        compared.add_records(
            [
                Label(f"q{name}", 1, name, kept[name].truth, "reviewer", "reviewer-1", 0.0, {})
                for name in list(kept)[start : start + 100]
            ]
        )
    assert compared.random_average_precision > 5 * compared.running.average_precision
