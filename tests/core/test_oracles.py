"""Oracles other than people: what they are held to, as a function of the label log."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.learning.fold import Fold
from streamsel.learning.spec import ModelSpec
from streamsel.records import Label, LabelRecord, LabelSource, LogRecord, Opinion
from streamsel.review.agreement import wilson
from streamsel.review.oracles import (
    JUDGED,
    ORACLE_SOURCES,
    PEOPLE_AUTHORITY,
    Accounts,
    Effect,
    Terms,
    drawn,
    effect,
)
from streamsel.review.panel import Panel
from streamsel.review.quality import Tally
from tests.core.review_records import answer, opinion, taken_back

ORACLES = ("outcomes", "gpt", "tiny")
SOURCES: dict[str, LabelSource] = {"outcomes": "outcome", "gpt": "model", "tiny": "rule"}

labels = st.sampled_from(("fine", "fraud"))
queries = st.sampled_from([f"q{number}" for number in range(12)])
revisions = st.integers(1, 3)


def said(name: str, label: str, query_id: str = "q1", revision: int = 1) -> Label:
    """An oracle's label."""
    return answer(label, name, query_id=query_id, source=SOURCES[name], revision=revision)


def thought(name: str, label: str, query_id: str = "q1", revision: int = 1) -> Opinion:
    """An oracle's answer that is checked."""
    return opinion(label, name, query_id=query_id, kind="oracle", slots=1, revision=revision)


oracles_labels = st.builds(said, st.sampled_from(ORACLES), labels, queries, revisions)
oracles_opinions = st.builds(thought, st.sampled_from(ORACLES), labels, queries, revisions)
peoples = st.one_of(
    st.builds(answer, labels, st.sampled_from(("ann", "bob")), query_id=queries, revision=revisions),
    st.builds(taken_back, queries, revisions),
)
logs = st.lists(st.one_of(oracles_labels, oracles_opinions, peoples), max_size=60)


def accounts_of(log: list[LabelRecord], window: int = 1_000, **terms: float) -> Accounts:
    given_terms = Terms("gpt", 10, **{"cap": 1.0, **terms})  # type: ignore[arg-type]
    accounts = Accounts([given_terms], window)
    for record in log:
        accounts.add(record)
    return accounts


@given(st.lists(st.one_of(st.none(), peoples), max_size=80), st.floats(0.0, 1.0), st.integers(1, 20))
def test_the_cap_is_kept_whatever_people_do(log: list[LabelRecord | None], cap: float, window: int) -> None:
    """``None`` is the oracle's turn: it gives as many labels as it has room for, five at most."""
    accounts, answered = Accounts([Terms("gpt", 10, cap)], window), 0
    for record in log:
        if record is not None:
            accounts.add(record)
        else:
            for _ in range(min(accounts.room("gpt"), 5)):
                answered += 1
                accounts.add(said("gpt", "fine", f"its{answered}"))
        assert accounts.standing("gpt").share <= cap + 1e-9


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.0, 0.99), st.integers(1, 20))
def test_room_is_as_much_as_the_cap_allows(people: int, own: int, cap: float, window: int) -> None:
    """One more label of a new event than there is room for would be too many."""
    log: list[LabelRecord] = [answer(query_id=f"p{number}") for number in range(people)]
    log += [said("gpt", "fine", f"o{number}") for number in range(own)]
    accounts = accounts_of(log, window, cap=cap)
    places, room = min(people + own, window), accounts.room("gpt")
    held = min(own, window)
    fits = [held + more <= cap * min(places + more, window) + 1e-9 for more in range(window + 2)]
    assert room == max((more for more, fit in enumerate(fits) if fit), default=0)


def test_before_people_have_labelled_anything_an_oracle_with_a_cap_waits() -> None:
    """Its first label would be all there is."""
    assert accounts_of([], cap=0.5).room("gpt") == 0
    assert accounts_of([answer()], cap=0.5).room("gpt") == 1


def test_a_correction_by_a_person_takes_the_label_from_the_oracles_share() -> None:
    """And one that was taken back is nobody's."""
    log: list[LabelRecord] = [said("gpt", "fine"), answer("fraud", revision=2), said("gpt", "fine", "q2")]
    assert accounts_of(log).standing("gpt").share == 0.5
    assert accounts_of([*log, taken_back("q2", 2)]).standing("gpt").share == 0.0


@given(logs)
def test_an_account_is_a_function_of_the_log(log: list[LabelRecord]) -> None:
    """Records that were appended twice change nothing, and another process comes to the same."""
    twice = [record for record in log for _ in range(2)]
    once, doubled = accounts_of(log, floor=0.9, least=3), accounts_of(twice, floor=0.9, least=3)
    assert once.standing("gpt") == doubled.standing("gpt")
    assert once.room("gpt") == doubled.room("gpt")


@given(logs)
def test_agreement_compares_opinions_with_what_people_say(log: list[LabelRecord]) -> None:
    """The newest of each, in whichever order they came; never with another oracle's label."""
    newest: dict[str, LabelRecord] = {}
    standing_then: dict[str, bool] = {}
    for record in log:
        known = newest.get(record.label_id)
        taken = not isinstance(record, Label | Opinion)
        if (known is None and not taken) or (known is not None and record.revision > known.revision):
            newest[record.label_id] = record
    for query_id in {f"q{number}" for number in range(12)}:
        label, own = newest.get(query_id), newest.get(f"{query_id}~oracle:gpt")
        if isinstance(label, Label) and isinstance(own, Opinion) and label.source not in ORACLE_SOURCES:
            standing_then[query_id] = label.label == own.label
    standing = accounts_of(log).standing("gpt")
    assert standing.checks == len(standing_then)
    assert standing.interval == wilson(sum(standing_then.values()), len(standing_then))


def checks(right: int, wrong: int, start: int = 0) -> list[LabelRecord]:
    """So many answers checked by people."""
    records: list[LabelRecord] = []
    for number in range(right + wrong):
        query_id = f"c{start + number}"
        records += [
            thought("gpt", "fine", query_id),
            answer("fine" if number < right else "fraud", query_id=query_id),
        ]
    return records


def test_an_oracle_surely_below_its_floor_is_cut_off_for_good() -> None:
    """It has no room any more, and what people say later changes nothing about that."""
    log = checks(right=10, wrong=10)
    accounts = accounts_of(log, floor=0.9)
    assert accounts.standing("gpt").cut_off
    assert accounts.room("gpt") == 0
    assert accounts_of([*log, *checks(500, 0, start=20)], floor=0.9).standing("gpt").cut_off


def test_an_oracle_is_judged_only_after_enough_checks_and_when_it_is_sure() -> None:
    """Bad luck in the first few is no reason."""
    assert not accounts_of(checks(0, 19), floor=0.9).standing("gpt").cut_off
    assert not accounts_of(checks(19, 1), floor=0.96).standing("gpt").cut_off


def test_the_last_checks_decide() -> None:
    """One that was good for long and is bad now is found out."""
    log = [*checks(2 * JUDGED, 0), *checks(0, 40, start=2 * JUDGED)]
    standing = accounts_of(log, floor=0.95).standing("gpt")
    assert standing.checks == JUDGED
    assert standing.cut_off


def test_budgets_count_the_answers_of_the_last_day() -> None:
    """Labels and opinions, each once."""
    log = [replace(said("gpt", "fine", f"q{hour}"), labelled_at=3_600.0 * hour) for hour in range(50)]
    accounts = accounts_of([*log, log[-1], replace(thought("gpt", "fine", "q99"), labelled_at=49 * 3_600.0)])
    assert accounts.answers_since("gpt", 47.5 * 3_600.0) == 3
    assert accounts.answers_since("gpt", -1.0) == 26


@given(st.lists(peoples, max_size=20), st.data())
def test_what_is_told_of_people_does_not_change_by_what_oracles_say(
    log: list[LabelRecord], data: st.DataObject
) -> None:
    """Neither labels of other queries nor opinions on the same ones."""
    others = st.builds(said, st.sampled_from(ORACLES), labels, st.sampled_from(("o1", "o2")), revisions)
    mixed: list[LabelRecord] = []
    for record in log:
        mixed += [*data.draw(st.lists(st.one_of(others, oracles_opinions), max_size=3)), record]
    alone, together = Tally(2), Tally(2)
    panel_alone, panel_together = Panel(), Panel()
    for record in log:
        alone.add(record)
        panel_alone.add(record)
    for record in mixed:
        together.add(record)
        panel_together.add(record)
    assert together.reviewers == alone.reviewers
    assert [together.quality(name) for name in together.reviewers] == [
        alone.quality(name) for name in alone.reviewers
    ]
    assert (together.alpha, together.overlapping) == (alone.alpha, alone.overlapping)
    assert list(panel_together.answers) == list(panel_alone.answers)


@pytest.mark.parametrize("source", sorted(ORACLE_SOURCES))
def test_an_oracles_label_teaches_the_model_and_not_what_judges_it(source: LabelSource) -> None:
    """In lane ``none`` it counts as a label learned; calibration and the means of lanes stay."""
    fold = Fold(ModelSpec(labels=("fine", "fraud")))
    record: LogRecord = replace(
        answer("fraud", "gpt", source=source),
        features={"amount": 1.0},
        probabilities={"fine": 0.9, "fraud": 0.1},
    )
    before = fold.calibration
    assert fold.apply(0, record).outcome == "learned"
    assert fold.experience.labels == 1
    assert fold.experience.explored_loss != fold.experience.explored_loss  # NaN: nothing explored
    assert fold.calibration == before


def test_every_source_is_a_persons_or_an_oracles() -> None:
    """A new one must be told apart here."""
    assert set(get_args(LabelSource)) - ORACLE_SOURCES == {"reviewer", "consensus", "seed"}


def test_the_check_is_drawn_for_a_share_and_alike_each_time() -> None:
    """And for every oracle anew."""
    ids = [f"query-{number}" for number in range(4_000)]
    mine = [drawn(one, "gpt", 0.1) for one in ids]
    assert 330 < sum(mine) < 470
    assert mine == [drawn(one, "gpt", 0.1) for one in ids]
    assert mine != [drawn(one, "other", 0.1) for one in ids]
    assert not any(drawn(one, "gpt", 0.0) for one in ids)
    assert all(drawn(one, "gpt", 1.0) for one in ids)


TERMS = Terms("outcomes", 50)
TRUTH = Terms("outcomes", 200)
MAY = {"permitted": True, "open_to_people": True}


@pytest.mark.parametrize(
    ("terms", "standing", "authority", "expected"),
    [
        (TERMS, None, 0, Effect.LABEL),
        (TERMS, answer("fine"), PEOPLE_AUTHORITY, Effect.OPINION),
        (TERMS, answer("fraud"), PEOPLE_AUTHORITY, Effect.OPINION),
        (TRUTH, answer("fine"), PEOPLE_AUTHORITY, Effect.LABEL),
        (TRUTH, answer("fraud"), PEOPLE_AUTHORITY, Effect.NOTHING),
        (TERMS, said("gpt", "fine"), 10, Effect.LABEL),
        (TERMS, said("gpt", "fraud"), 10, Effect.NOTHING),
        (TERMS, said("gpt", "fine"), 50, Effect.DISPUTE),
        (TERMS, said("gpt", "fine"), 60, Effect.DISPUTE),
        (TERMS, said("outcomes", "fine"), 50, Effect.LABEL),
        (TERMS, said("outcomes", "fraud"), 50, Effect.NOTHING),
    ],
)
def test_what_happened_in_the_end_yields_to_authority(
    terms: Terms, standing: Label | None, authority: int, expected: Effect
) -> None:
    """People stand above it unless it is declared the truth; between equal oracles people decide."""
    assert effect(terms, "fraud", standing, None, authority=authority, **MAY) == expected


@pytest.mark.parametrize("standing", [None, answer("fine"), said("gpt", "fine")])
def test_an_opinion_that_is_known_is_not_told_again(standing: Label | None) -> None:
    """A record delivered twice counts once, whatever came between."""
    known = thought("outcomes", "fraud")
    assert effect(TRUTH, "fraud", standing, known, authority=100, **MAY) == Effect.NOTHING
    assert effect(TRUTH, "fine", None, known, authority=0, **MAY) == Effect.LABEL


def test_an_oracle_that_has_labelled_may_change_its_mind_back() -> None:
    """An opinion from before its label does not hold it up."""
    known, own = thought("outcomes", "fraud"), said("outcomes", "fine")
    assert effect(TERMS, "fraud", own, known, authority=50, **MAY) == Effect.LABEL


def test_who_may_not_label_gives_an_opinion() -> None:
    """At its cap, cut off, or to be checked on this one."""
    for standing in (None, answer("fine"), said("outcomes", "fine")):
        assert (
            effect(TRUTH, "fraud", standing, None, authority=100, permitted=False, open_to_people=True)
            == Effect.OPINION
        )
    alike = Terms("outcomes", 50)
    by_model = said("gpt", "fine")
    assert (
        effect(alike, "fraud", by_model, None, authority=50, permitted=False, open_to_people=True)
        == Effect.OPINION
    )


def test_oracles_that_disagree_on_a_query_nobody_can_be_asked_leave_it_as_it_is() -> None:
    """Its content is gone from the desk."""
    given_late = effect(
        TERMS, "fraud", said("gpt", "fine"), None, authority=50, permitted=True, open_to_people=False
    )
    assert given_late == Effect.OPINION
