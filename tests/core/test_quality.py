"""The tally of reviewers: a fold over the label log, against its definition."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.records import Label, LabelRecord, Opinion
from streamsel.review.agreement import PRIOR_ACCURACY, krippendorff_alpha, wilson
from streamsel.review.quality import RECENT_ANSWERS, Floor, Tally
from tests.core.review_records import answer, gold, opinion, taken_back

NAMES = ("ann", "bob", "cyd")
labels = st.sampled_from(("fine", "fraud"))
revisions = st.integers(1, 3)
queries = st.sampled_from(("q1", "q2", "q3"))
names = st.sampled_from(NAMES)

records: st.SearchStrategy[LabelRecord | None] = st.one_of(
    st.builds(
        opinion,
        labels,
        names,
        st.integers(1, 3),
        query_id=queries,
        kind=st.sampled_from(("overlap", "overlap", "overlap", "late")),
        revision=revisions,
    ),
    st.builds(
        opinion, labels, names, query_id=queries, kind=st.just("gold"), expected=labels, revision=revisions
    ),
    st.builds(answer, labels, names, query_id=queries, revision=revisions),
    st.builds(answer, labels, query_id=queries, source=st.just("consensus"), revision=revisions),
    st.builds(
        taken_back,
        st.sampled_from(("q1", "q2", "q1~1", "q1~2", "q2~3", "q1~ann", "q3~bob", "seed-1")),
        revisions,
    ),
    st.none(),
)


def tally_of(log: Iterable[LabelRecord | None], remembered: int = 100) -> Tally:
    tally = Tally(labels=2, remembered=remembered)
    for record in log:
        tally.add(record)
    return tally


def standing(log: Sequence[LabelRecord | None]) -> list[Label | Opinion]:
    """The definition: of each label id its newest revision, the first among equals, unless taken back."""
    newest: dict[str, LabelRecord] = {}
    for record in log:
        known = newest.get(record.label_id) if record is not None else None
        if record is not None and (known is None or record.revision > known.revision):
            newest[record.label_id] = record
    return [record for record in newest.values() if isinstance(record, Label | Opinion)]


@given(st.lists(records, max_size=40))
def test_every_figure_is_that_of_the_standing_answers(log: list[LabelRecord | None]) -> None:
    """Corrected, doubled, taken back, in any order: the tally is as if only what counts had been said.

    A retraction ahead of what it takes back belongs to a query nobody has heard of; no desk writes one.
    """
    heard: set[str] = set()
    told: list[LabelRecord | None] = []
    for record in log:
        query_id = record.label_id.partition("~")[0] if record is not None else ""
        if isinstance(record, Label | Opinion):
            heard.add(query_id)
        if query_id in heard or record is None:
            told.append(record)
    tally = tally_of(told)
    counting = standing(told)
    overlap = defaultdict(list)
    for one in counting:
        if isinstance(one, Opinion) and one.kind == "overlap":
            overlap[one.query_id].append(one)
    for name in NAMES:
        quality = tally.quality(name)
        compared = [
            mine.label == theirs.label
            for panel in overlap.values()
            for mine in panel
            for theirs in panel
            if mine is not theirs
            for who in (mine.labelled_by, theirs.labelled_by)
            if who == name
        ]
        # Each pair is met twice above, once from either side.
        assert quality.compared == len(compared) // 2
        assert quality.agreement == (sum(compared) / len(compared) if compared else None)
        asked = [
            one.label == one.expected
            for one in counting
            if isinstance(one, Opinion) and one.kind == "gold" and one.labelled_by == name
        ]
        assert quality.gold_asked == len(asked)
        assert quality.gold_interval == wilson(sum(asked), len(asked))
    compositions = Counter(
        tuple(sorted(one.label for one in panel)) for panel in overlap.values() if len(panel) > 1
    )
    assert tally.overlapping == compositions.total()
    assert tally.alpha == krippendorff_alpha(compositions)
    assert tally.position == len(told)


@given(st.lists(records, max_size=30), st.integers(1, 3))
def test_a_record_met_again_changes_nothing(log: list[LabelRecord | None], times: int) -> None:
    """Two desks may append the same answer, and the first one counts."""
    tally = tally_of([record for record in log for _ in range(times)])
    once = tally_of(log)
    assert [tally.quality(name) for name in NAMES] == [once.quality(name) for name in NAMES]


def test_answers_are_counted_and_timed() -> None:
    """Those of reviewers, late ones and gold with them; not what was seeded or resolved, nor corrections."""
    tally = tally_of(
        [
            answer(query_id="a", seconds=4.0),
            opinion("fine", query_id="b", kind="late", seconds=8.0),
            opinion("fine", query_id="c", seconds=30.0),
            answer(query_id="c", source="consensus", by="ann,bob", seconds=None),
            answer(query_id="a", label="fraud", revision=2, seconds=None),
            answer(query_id="old", seconds=None),
        ]
    )
    quality = tally.quality("ann")
    assert (quality.answered, quality.median_seconds) == (4, 8.0)
    assert tally.reviewers == ["ann"]


def test_answers_an_hour_are_those_of_the_last_hour() -> None:
    """Or, of one too quick for all of them to be remembered, as many as the remembered ones promise."""
    tally = tally_of(answer(query_id=str(number), labelled_at=1000.0 * number) for number in range(10))
    assert tally.answers_an_hour("ann", now=10_000.0) == 3
    assert tally.answers_an_hour("bob", now=10_000.0) == 0
    quick = tally_of(answer(query_id=str(number), labelled_at=float(number)) for number in range(1_000))
    assert quick.answers_an_hour("ann", now=1_000.0) == pytest.approx(3_600)
    assert RECENT_ANSWERS == 500


def test_memory_is_bounded_and_what_is_forgotten_stays_counted() -> None:
    """A query long not heard of can no longer change; its agreement is kept."""
    log: list[LabelRecord] = []
    for number in range(50):
        log += [opinion("fine", who, slot, query_id=f"q{number}") for slot, who in enumerate(NAMES, start=1)]
    tally = tally_of([*log, taken_back("q1~1", 2)], remembered=10)
    assert len(tally._queries) == 10
    assert tally.quality("ann").compared == 100
    assert tally.overlapping == 50
    assert tally.standing("q1").opinions == {}
    assert [one.labelled_by for one in tally.standing("q49").overlap] == list(NAMES)


@pytest.mark.parametrize(
    ("right", "wrong", "below"),
    [(0, 9, False), (2, 8, True), (5, 5, True), (6, 4, False), (10, 0, False), (25, 15, True)],
)
def test_below_the_floor_is_who_is_surely_not_good_enough(right: int, wrong: int, below: bool) -> None:
    """After enough gold questions, and only when even the upper end of the interval is too low."""
    answers = [gold(number < right, "bob", number) for number in range(right + wrong)]
    tally = tally_of([*answers, gold(right=False, by="ann", number=1)])
    assert tally.below(Floor(accuracy=0.8, least=10)) == (["bob"] if below else [])


def test_disputes_are_complete_and_without_a_label() -> None:
    """Neither those that wait for an answer nor those settled; a label taken back opens one again."""
    panel = [opinion("fine", "ann", 1, slots=2), opinion("fraud", "bob", 2, slots=2)]
    waiting = opinion("fine", "ann", 1, query_id="q2", slots=2)
    tally = tally_of([*panel, waiting])
    ((query_id, disputed),) = tally.disputed()
    assert (query_id, disputed.overlap) == ("q1", panel)
    tally.add(answer(by="cyd"))
    assert list(tally.disputed()) == []
    tally.add(taken_back("q1", 2))
    assert [query_id for query_id, _ in tally.disputed()] == ["q1"]
    assert tally.standing("q1").revisions["q1"] == 2


def test_reliability_follows_gold_and_agreement() -> None:
    """Nobody known is average; who is right on gold, or agrees with those who agree, is above, and the one
    who never agrees below."""
    log = [opinion("fraud" if who == "cyd" else "fine", who, slot, query_id=f"q{number}")
           for number in range(20) for slot, who in enumerate(NAMES, start=1)]  # fmt: skip
    tally = tally_of([*log, *(gold(right=True, by="dan", number=number) for number in range(10))])
    assert tally.accuracy("nobody") == PRIOR_ACCURACY
    assert tally.accuracy("dan") > PRIOR_ACCURACY
    assert tally.accuracy("cyd") < tally.accuracy("ann") == tally.accuracy("bob")
