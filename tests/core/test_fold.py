"""The model as a fold over the label log, against its definition."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.experience import Tally
from streamsel.learning import checkpoints
from streamsel.learning.applied import Outcome
from streamsel.learning.calibration import Calibration
from streamsel.learning.checkpoints import Checkpoints, Learned
from streamsel.learning.fold import Fold
from streamsel.learning.gaps import Gap
from streamsel.learning.presets import build
from streamsel.learning.spec import PRESETS, ModelSpec
from streamsel.records import Directive, Label, LogRecord, Opinion
from tests.core.learning_strategies import (
    directive_record,
    label_record,
    mixed_event,
    mixed_record,
    opinion_record,
    retraction_record,
)

LABELS = ("fine", "fraud", "review")
SPEC = ModelSpec(LABELS, text="note")
Log = Sequence[LogRecord | None]


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """Labels of a few events: corrected, doubled, retracted, unknown, unreadable, revisions in any order, and
    opinions and directives between them."""
    events = random.Random(draw(st.integers(0, 2**32)))
    records: list[LogRecord | None] = []
    kinds = st.sampled_from(("label",) * 6 + ("retraction", "unknown", "unreadable", "opinion", "directive"))
    for _ in range(draw(st.integers(0, 40))):
        label_id, revision = f"label {draw(st.integers(0, 12))}", draw(st.integers(0, 3))
        match draw(kinds):
            case "label":
                records.append(mixed_record(events, label_id, revision))
            case "retraction":
                records.append(retraction_record(label_id, revision))
            case "unknown":
                records.append(label_record(label_id, revision, "perhaps"))
            case "opinion":
                records.append(opinion_record(label_id, revision))
            case "directive":
                records.append(directive_record(label_id))
            case _:
                records.append(None)
    return records


def counting(log: Log) -> list[Label]:
    """The definition, word by word: what a model of the whole log has learned, in order."""
    newest: dict[str, tuple[int, int]] = {}
    for offset, record in enumerate(log):
        if record is None or isinstance(record, Opinion | Directive):
            continue
        if isinstance(record, Label) and record.label not in LABELS:
            continue
        known = newest.get(record.label_id)
        if known is None or record.revision > known[0]:
            newest[record.label_id] = (record.revision, offset)
    learned = (log[offset] for offset in sorted(offset for _, offset in newest.values()))
    return [record for record in learned if isinstance(record, Label)]


def follow(fold: Fold, log: Log) -> Iterator[Fold]:
    """The fold after each record, rewound and replayed where it asks for it."""
    for offset, record in enumerate(log):
        if fold.apply(offset, record).outcome is Outcome.REWIND:
            fold = fold.rewound()
            for position in range(fold.version, offset + 1):
                assert fold.apply(position, log[position]).outcome is not Outcome.REWIND
        yield fold


def folded(log: Log, spec: ModelSpec = SPEC) -> Fold:
    """From nothing, with everything announced before."""
    fold = Fold(spec)
    for offset, record in enumerate(log):
        fold.note(offset, record)
    for offset, record in enumerate(log):
        assert fold.apply(offset, record).outcome is not Outcome.REWIND
    return fold


def assert_learned(fold: Fold, labels: Sequence[Label]) -> None:
    """The fold predicts exactly as a model that learned these labels in this order."""
    model = build(fold.spec)
    for label in labels:
        model.learn_one(label.features, label.label)
    assert fold.labels_learned == len(labels)
    events = random.Random(0)
    for _ in range(3):
        features, _ = mixed_event(events)
        assert fold.model.predict_proba_one(features) == model.predict_proba_one(features)


def with_gaps(log: Log, gaps: Sequence[Gap]) -> list[LogRecord | None]:
    """The same log as if what lies in a gap had been about nothing."""
    return [
        directive_record(f"gap {offset}") if any(offset in gap for gap in gaps) else record
        for offset, record in enumerate(log)
    ]


@pytest.fixture
def frequent_checkpoints() -> Iterator[None]:
    """Every second label, so that short logs rewind to checkpoints of all ages."""
    with patch.object(checkpoints, "SPACING", 2):
        yield


@pytest.mark.usefixtures("frequent_checkpoints")
class TestDefinition:
    @settings(max_examples=60, deadline=None)
    @given(log=logs())
    def test_holds_at_every_version_of_a_followed_log(self, log: Log) -> None:
        """Whatever was corrected, doubled or retracted, and in whatever order it came."""
        for version, fold in enumerate(follow(Fold(SPEC), log), start=1):
            assert fold.version == version
            assert fold.complete
            assert_learned(fold, counting(log[:version]))

    @settings(max_examples=60, deadline=None)
    @given(log=logs())
    def test_holds_for_a_fold_from_nothing(self, log: Log) -> None:
        """Announced labels are skipped instead of rewound to, with the same digest in the end."""
        fold = folded(log)
        assert fold.complete
        assert_learned(fold, counting(log))
        followed = [Fold(SPEC), *follow(Fold(SPEC), log)][-1]
        assert fold.digest() == followed.digest()

    @settings(max_examples=40, deadline=None)
    @given(log=logs(), extents=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20)), max_size=2))
    def test_what_lies_in_a_gap_never_was(self, log: Log, extents: list[tuple[int, int]]) -> None:
        """Labels, corrections and retractions alike, followed or folded from nothing."""
        gaps = [Gap(start, start + length) for start, length in extents]
        *_, followed = [Fold(SPEC), *follow(Fold(SPEC, gaps), log)]
        assert_learned(followed, counting(with_gaps(log, gaps)))
        assert followed.digest() == folded(with_gaps(log, gaps)).digest()

    @pytest.mark.parametrize("preset", PRESETS)
    @settings(max_examples=10, deadline=None)
    @given(log=logs())
    def test_holds_for_every_preset(self, preset: str, log: Log) -> None:
        """A model brought back from a checkpoint goes on exactly as the one that was copied."""
        spec = ModelSpec(LABELS, preset, text="note")
        followed = [Fold(spec), *follow(Fold(spec), log)][-1]
        assert_learned(followed, counting(log))
        assert followed.digest() == folded(log, spec).digest()

    @pytest.mark.parametrize("preset", PRESETS)
    def test_holds_for_models_that_have_grown(self, preset: str) -> None:
        """Trees with branches and forests of some size are brought back as exactly."""
        events = random.Random(10)
        log: list[LogRecord] = []
        for offset in range(100 if preset == "portfolio" else 400):  # it grows by fits, which take their time
            log.append(mixed_record(events, str(offset)))
            if events.random() < 0.03:
                log.append(mixed_record(events, str(events.randint(offset // 2, offset)), 2))
        *_, followed = follow(Fold(ModelSpec(LABELS, preset, text="note")), log)
        assert_learned(followed, counting(log))

    @settings(max_examples=40, deadline=None)
    @given(log=logs(), data=st.data())
    def test_holds_when_only_a_part_was_announced(self, log: Log, data: st.DataObject) -> None:
        """A fold that stopped is told what lies ahead, once, and then needs no second rewind for it."""
        fold = Fold(SPEC)
        ahead = data.draw(st.integers(0, len(log)))
        offset = 0
        while offset < len(log):
            if fold.apply(offset, log[offset]).outcome is Outcome.REWIND:
                known = max(ahead, offset + 1)
                for position in range(offset, known):
                    fold.note(position, log[position])
                fold = fold.rewound()
                for position in range(fold.version, known):
                    assert fold.apply(position, log[position]).outcome is not Outcome.REWIND
            offset = fold.version
        assert fold.complete
        assert fold.digest() == folded(log).digest()


class TestOutcomes:
    def test_each_record_is_told_what_became_of_it(self) -> None:
        """Learned, known already, older than known, retracted, passed over."""
        log: list[LogRecord | None] = [
            label_record("a"),
            label_record("a"),
            label_record("a", revision=0, label="fraud"),
            retraction_record("b", 2),
            label_record("b", revision=1),
            label_record("c", label="perhaps"),
            None,
            label_record("b", revision=3),
            opinion_record("a", revision=4, label="fraud"),
            opinion_record("d", label="perhaps"),
            directive_record("a"),
        ]
        fold = Fold(SPEC)
        outcomes = [fold.apply(offset, record) for offset, record in enumerate(log)]
        assert [applied.outcome for applied in outcomes] == [
            Outcome.LEARNED,
            Outcome.DUPLICATE,
            Outcome.DUPLICATE,
            Outcome.RETRACTED,
            Outcome.DUPLICATE,
            Outcome.UNKNOWN_LABEL,
            Outcome.UNREADABLE,
            Outcome.LEARNED,
            Outcome.OPINION,
            Outcome.OPINION,
            Outcome.DIRECTIVE,
        ]
        assert outcomes[5].detail == "'perhaps' is not one of the labels fine, fraud, review"
        assert (fold.version, fold.labels_learned) == (11, 2)

    @pytest.mark.parametrize(
        "record", [label_record("a", 2, "fraud"), retraction_record("a", 2)], ids=["correction", "retraction"]
    )
    def test_a_superseding_record_stops_the_fold_unchanged(self, record: LogRecord) -> None:
        """It goes on serving as it is, and asks for a rewind however often it is tried."""
        fold = Fold(SPEC)
        fold.apply(0, label_record("a"))
        digest = fold.digest()
        for _ in range(2):
            assert fold.apply(1, record).outcome is Outcome.REWIND
        assert (fold.version, fold.digest()) == (1, digest)
        assert fold.rewound().version == 0

    def test_an_opinion_taken_back_asks_for_no_rewind(self) -> None:
        """Neither by a newer revision nor by a retraction: there was nothing to unlearn."""
        fold = Fold(SPEC)
        log: list[LogRecord] = [label_record("a"), opinion_record("a"), opinion_record("a", 2)]
        for offset, record in enumerate(log):
            fold.apply(offset, record)
        taken_back = retraction_record(opinion_record("a").label_id, 3)
        assert fold.apply(3, taken_back).outcome is Outcome.RETRACTED
        assert fold.labels_learned == 1

    def test_a_learned_label_of_the_explore_lane_tells_what_was_predicted(self) -> None:
        """What the model would have served just before; of other labels, seeds among them, nothing."""
        explored = replace(label_record("c", label="fraud"), lane="explore")
        log = [
            label_record("a"),
            label_record("b", label="fraud"),
            replace(explored, label_id="seed", source="seed"),
            explored,
        ]
        fold = Fold(SPEC)
        for offset, record in enumerate(log[:-1]):
            assert fold.apply(offset, record).predicted is None
        served = fold.model.predict_proba_one(dict(explored.features))
        predicted = fold.apply(3, explored).predicted
        assert predicted is not None
        assert predicted.tolist() == pytest.approx([served.get(label, 0.0) for label in LABELS])

    def test_a_correction_to_an_unknown_label_leaves_the_label_learned(self) -> None:
        """What can't count supersedes nothing."""
        fold = Fold(SPEC)
        fold.apply(0, label_record("a"))
        assert fold.apply(1, label_record("a", 2, "perhaps")).outcome is Outcome.UNKNOWN_LABEL
        assert fold.labels_learned == 1

    def test_what_an_estimator_refuses_is_passed_over(self) -> None:
        """With the reason, and the next label learned."""
        fold = Fold(SPEC)
        refused = fold.apply(0, label_record("a", features={"x": float("nan")}))
        assert refused.outcome is Outcome.REFUSED
        assert refused.detail == "ValueError: feature 'x' is NaN; leave a missing value out"
        assert fold.apply(1, label_record("b")).outcome is Outcome.LEARNED
        assert (fold.version, fold.labels_learned) == (2, 1)

    def test_an_offset_out_of_turn_is_an_error(self) -> None:
        """The log has no gaps; a fold that skipped one would be another model."""
        with pytest.raises(ValueError, match="stands at offset 0 and can't take the record at 1"):
            Fold(SPEC).apply(1, label_record("a"))

    def test_has_no_digest_while_it_runs_ahead_of_its_version(self) -> None:
        """A label skipped for a correction further ahead makes the version between not the promised model."""
        fold = Fold(SPEC)
        log = [label_record("a"), label_record("b"), label_record("a", 2, "fraud")]
        for offset, record in enumerate(log):
            fold.note(offset, record)
        for offset, record in enumerate(log[:2]):
            fold.apply(offset, record)
        assert not fold.complete
        with pytest.raises(RuntimeError, match="only complete from 3"):
            fold.digest()
        fold.apply(2, log[2])
        assert fold.complete
        assert fold.digest() == folded(log).digest()


class TestRewinding:
    def test_a_late_correction_rewinds_about_as_far_as_it_must(self) -> None:
        """At most twice as far back as the label it supersedes, and a little more for young ones."""
        events = random.Random(5)
        total = 3_000
        log = [mixed_record(events, str(offset)) for offset in range(total)]
        for age in (1, 100, 700, 2_500):
            fold = Fold(ModelSpec(LABELS))
            for offset, record in enumerate(log):
                fold.apply(offset, record)
            fold.apply(total, retraction_record(str(total - age), 2))
            assert total - age >= fold.rewound().version >= total - 2 * age - checkpoints.SPACING

    @pytest.mark.usefixtures("frequent_checkpoints")
    def test_a_rewind_goes_behind_everything_announced_as_superseded(self) -> None:
        """In whatever order it was announced."""
        for order in ((3, 20, 12), (20, 3, 12), (12, 20, 3)):
            fold = Fold(SPEC)
            for offset in range(30):
                fold.apply(offset, label_record(str(offset), features={"x": float(offset)}))
            fold.apply(30, retraction_record(str(order[0]), 2))
            for offset, superseded in enumerate(order[1:], start=31):
                fold.note(offset, retraction_record(str(superseded), 2))
            assert fold.rewound().version <= 3

    def test_is_refused_where_nothing_is_superseded(self) -> None:
        """A fold that can go on is not folded anew."""
        fold = Fold(SPEC)
        fold.apply(0, label_record("a"))
        with pytest.raises(RuntimeError, match="nothing this fold has learned is superseded"):
            fold.rewound()

    def test_checkpoints_are_few_however_long_the_log(self) -> None:
        """Their number grows with the logarithm of the labels."""
        kept = Checkpoints()
        model = build(SPEC)
        for labels in range(1, 100_001):
            kept.take(labels, Learned(Tally((labels, 0, 0)), Calibration.identity(3), labels), model)
        assert len(kept._kept) < 30

    def test_checkpoints_are_given_up_for_a_model_that_is_slow_or_impossible_to_copy(self) -> None:
        """It is folded anew from the last one there is, or from the start; the result is the same."""
        events = random.Random(6)
        log: list[LogRecord] = [mixed_record(events, str(offset)) for offset in range(300)]
        log.append(retraction_record("250", 2))
        grows = ModelSpec(LABELS, "forest", text="note")
        with patch.object(checkpoints, "LARGEST_BYTES", 300_000):
            *_, bounded = follow(Fold(grows), log)
        assert [kept.version for kept in bounded._checkpoints._kept] == [64]
        spec = ModelSpec(LABELS, factory=f"{__name__}:Uncopyable")
        *_, uncopyable = follow(Fold(spec), log)
        assert not uncopyable._checkpoints._kept
        assert bounded.digest() == folded(log, grows).digest()
        assert uncopyable.digest() == folded(log, spec).digest()


class Uncopyable:
    """An estimator of someone's own: counts labels, and can't be pickled."""

    def __init__(self, labels: tuple[str, ...], seed: int) -> None:
        del seed
        self.labels = labels
        self._counts = dict.fromkeys(labels, 0)
        self._lock = lambda: None

    def learn_one(self, x: object, y: str) -> None:
        del x
        self._counts[y] += 1

    def predict_proba_one(self, x: object) -> dict[str, float]:
        del x
        total = sum(self._counts.values())
        return {label: count / total for label, count in self._counts.items()} if total else {}
