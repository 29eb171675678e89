"""What is held out teaches nothing: the fold is as if there were nothing at its offsets."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.learning import checkpoints
from streamsel.learning.applied import Outcome
from streamsel.learning.course import InForce
from streamsel.learning.fold import Fold
from streamsel.learning.gaps import Gap
from streamsel.learning.portfolio.portfolio import Portfolio
from streamsel.learning.snapshots import opened, restored, sealed, take
from streamsel.learning.spec import PRESETS, ModelSpec
from streamsel.records import LANES, Label, Lane, LogRecord, Retraction
from tests.core.learning_strategies import label_record, mixed_record, opinion_record, retraction_record

LABELS = ("fine", "fraud", "review")
SPEC = ModelSpec(LABELS, text="note")
KEY = b"k" * 32
Log = Sequence[LogRecord | None]


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """Labels of a few events in all lanes, corrected, some in another lane than before, retracted, of unknown
    labels; revisions in any order."""
    events = random.Random(draw(st.integers(0, 2**32)))
    lanes: st.SearchStrategy[Lane] = st.sampled_from((*LANES, "holdout"))
    kinds = st.sampled_from(("label",) * 6 + ("retraction", "unknown", "opinion"))
    records: list[LogRecord | None] = []
    for _ in range(draw(st.integers(1, 30))):
        label_id, revision = f"label {draw(st.integers(0, 8))}", draw(st.integers(0, 3))
        match draw(kinds):
            case "retraction":
                records.append(retraction_record(label_id, revision))
            case "opinion":
                records.append(opinion_record(label_id, revision))
            case kind:
                record = mixed_record(events, label_id, revision)
                said = {label: events.random() for label in LABELS}
                record = replace(record, lane=draw(lanes), probabilities=said)
                records.append(replace(record, label="perhaps") if kind == "unknown" else record)
    return records


def without_held_out(log: Log, gaps: Sequence[Gap] = ()) -> Log:
    """The definition, word by word: nothing can be read where there is a record of an id that is held out."""
    held_out = {
        record.label_id
        for offset, record in enumerate(log)
        if isinstance(record, Label)
        and record.lane == "holdout"
        and record.label in LABELS
        and not any(offset in gap for gap in gaps)
    }
    return [
        None if isinstance(record, Label | Retraction) and record.label_id in held_out else record
        for record in log
    ]


def brought_to(fold: Fold, log: Log, end: int) -> Fold:
    """The fold at ``end``, rewound where it asks for it."""
    while fold.version < end:
        offset = fold.version
        if fold.apply(offset, log[offset]).outcome is Outcome.REWIND:
            for position in range(offset, end):
                fold.note(position, log[position])
            fold = fold.rewound()
    return fold


def assert_same(fold: Fold, other: Fold) -> None:
    """All that is learned, and all that follows from it."""
    assert fold.complete
    assert fold.digest() == other.digest()
    assert fold.labels_learned == other.labels_learned
    assert fold.calibration.scale == other.calibration.scale
    assert repr(fold.learned.tally) == repr(other.learned.tally)
    assert fold.learned.probes == other.learned.probes


@settings(max_examples=80, deadline=None)
@given(log=logs())
def test_at_every_version_the_fold_is_as_if_it_were_not_there(log: Log) -> None:
    """Digest, calibration, experience and probes, through every rewind."""
    with patch.object(checkpoints, "SPACING", 2):
        fold = Fold(SPEC)
        for version in range(1, len(log) + 1):
            fold = brought_to(fold, log, version)
            assert_same(fold, brought_to(Fold(SPEC), without_held_out(log[:version]), version))


@pytest.mark.parametrize("preset", PRESETS)
@settings(max_examples=6, deadline=None)
@given(log=logs(), data=st.data())
def test_a_fold_restored_from_a_snapshot_goes_on_alike(preset: str, log: Log, data: st.DataObject) -> None:
    """What the snapshot was told to hold out stays held out, whatever comes after it under the same id."""
    spec = ModelSpec(LABELS, preset, text="note")
    fold = brought_to(Fold(spec), log, data.draw(st.integers(0, len(log))))
    taken = take(fold, fold.digest(), "the log", [], 1.0)
    content = b"".join(sealed(taken.header, taken.closed.pack(), taken.state, KEY))
    fold = brought_to(restored(opened(content, KEY), InForce(spec)), log, len(log))
    assert_same(fold, brought_to(Fold(spec), without_held_out(log), len(log)))


@settings(max_examples=40, deadline=None)
@given(log=logs(), start=st.integers(0, 30), length=st.integers(0, 20))
def test_what_lies_in_a_gap_holds_nothing_out(log: Log, start: int, length: int) -> None:
    """There was no such record."""
    gaps = [Gap(start, start + length)]
    fold = brought_to(Fold(SPEC, gaps), log, len(log))
    assert_same(fold, brought_to(Fold(SPEC, gaps), without_held_out(log, gaps), len(log)))


def test_a_label_for_evaluation_alone_is_told_so() -> None:
    """Its correction is known already, even in another lane: nothing of the id counts any more."""
    held_out = replace(label_record("a"), lane="holdout")
    fold = Fold(SPEC)
    log: Log = [held_out, replace(held_out, revision=2), label_record("a", 3), retraction_record("a", 4)]
    outcomes = [fold.apply(offset, record).outcome for offset, record in enumerate(log)]
    assert outcomes == [Outcome.HELD_OUT, *[Outcome.DUPLICATE] * 3]
    assert (fold.version, fold.labels_learned) == (4, 0)


def test_nothing_is_fitted_ahead_for_it() -> None:
    """Where the next label is due for a fit, one that is held out brings none."""
    events = random.Random(3)
    fold = Fold(ModelSpec(LABELS, "portfolio", text="note"))
    assert isinstance(fold.model, Portfolio)
    while not fold.model.fit_due:
        fold.apply(fold.version, mixed_record(events, str(fold.version)))
    due = mixed_record(events, "due")
    assert fold.ahead(fold.version, replace(due, label_id="held out", lane="holdout")) is None
    assert fold.ahead(fold.version, due) is not None
