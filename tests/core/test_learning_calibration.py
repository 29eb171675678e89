"""Calibration: by how much predictions are stretched, and that it can do no harm."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from streamsel.learning.applied import Outcome
from streamsel.learning.calibration import (
    LARGEST_SCALE,
    LEAST_SCALE,
    RELUCTANCE,
    WINDOW,
    Calibration,
    Floats,
)
from streamsel.learning.fold import Fold
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.records import FeatureTable, Label, LogRecord
from tests.core.learning_strategies import label_record, mixed_event, mixed_record, retraction_record

LABELS = ("fine", "fraud", "review")
SPEC = ModelSpec(LABELS, text="note")


@st.composite
def predictions(draw: st.DrawFn) -> Floats:
    """(rows, labels), rows summing to 1, certainty and equal shares among them."""
    shape = (draw(st.integers(1, 40)), draw(st.integers(2, 5)))
    raw = draw(arrays.arrays(np.float64, shape, elements=st.sampled_from((0.0, 1e-6, 0.1, 0.5, 1.0))))
    raw[:, 0] += raw.sum(axis=1) == 0.0
    raw /= raw.sum(axis=1, keepdims=True)
    return raw


def after(predicted: Floats, answers: list[int]) -> Calibration:
    """Having learned these one by one."""
    calibration = Calibration.identity(predicted.shape[1])
    for row, answer in zip(predicted, answers, strict=False):
        calibration = calibration.learned(row, answer % predicted.shape[1])
    return calibration


def objective(calibration: Calibration, scale: float) -> float:
    """The definition: log loss over the window plus what a scale costs for its distance from 1."""
    logits = scale * calibration.logarithms
    norms = np.log(np.exp(logits).sum(axis=1))
    losses = norms - logits[np.arange(len(logits)), calibration.answers]
    return float(losses.sum() + RELUCTANCE / 2.0 * (scale - 1.0) ** 2)


@settings(max_examples=60, deadline=None)
@given(predictions(), st.lists(st.integers(0, 4), min_size=40, max_size=40))
def test_the_scale_is_the_best_there_is(predicted: Floats, answers: list[int]) -> None:
    """No other within bounds has a lower penalised loss."""
    calibration = after(predicted, answers)
    assert LEAST_SCALE <= calibration.scale <= LARGEST_SCALE
    best = objective(calibration, calibration.scale)
    for other in np.linspace(LEAST_SCALE, LARGEST_SCALE, 50):
        assert best <= objective(calibration, other) + 1e-9


@settings(max_examples=60, deadline=None)
@given(predictions(), predictions(), st.lists(st.integers(0, 4), min_size=40, max_size=40))
def test_no_prediction_changes_sides(learned: Floats, asked: Floats, answers: list[int]) -> None:
    """Rows are distributions in the order of the probabilities that went in."""
    asked = asked[:, : learned.shape[1]] + 1e-9
    asked = np.pad(asked, ((0, 0), (0, learned.shape[1] - asked.shape[1])))
    asked /= asked.sum(axis=1, keepdims=True)
    calibrated = after(learned, answers)(asked)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1.0)
    for one, other in zip(asked, calibrated, strict=True):
        np.testing.assert_array_equal(np.argsort(one, kind="stable"), np.argsort(other, kind="stable"))


def test_nothing_changes_before_the_first_label() -> None:
    """Not even the last bit."""
    probabilities = np.array([[0.3, 0.7], [1.0, 0.0]])
    assert Calibration.identity(2)(probabilities) is probabilities


def test_rows_without_an_opinion_stay_without() -> None:
    """And so does a table of a model that knows nothing yet."""
    calibration = after(np.full((5, 2), 0.5), [0] * 5)
    calibrated = calibration(np.array([[np.nan, np.nan], [0.2, 0.8]]))
    assert np.isnan(calibrated[0]).all()
    assert calibrated[1].sum() == pytest.approx(1.0)
    assert calibration(np.zeros((3, 0))).shape == (3, 0)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("sharpness", [0.4, 1.0, 2.5])
def test_a_model_too_sure_or_not_sure_enough_becomes_honest(classes: int, sharpness: float) -> None:
    """Within a window of labels a good part of the excess log loss is gone; an honest one has none."""
    draw = np.random.default_rng(1)
    honest = draw.dirichlet(np.ones(classes), 2_000)
    answers = [int(draw.choice(classes, p=row)) for row in honest]
    told = honest**sharpness
    told /= told.sum(axis=1, keepdims=True)
    calibration = after(told[:WINDOW], answers)
    rows = np.arange(WINDOW, 2_000)
    served = calibration(told[WINDOW:])
    raw, calibrated, least = (
        -np.log(np.maximum(one[np.arange(len(rows)), np.array(answers)[rows]], 1e-3)).mean()
        for one in (told[WINDOW:], served, honest[WINDOW:])
    )
    assert calibrated - least < max(0.7 * (raw - least), 0.01)
    assert (calibration.scale < 0.8) == (sharpness > 1.0)


def test_few_labels_change_little() -> None:
    """Three surprises are no proof."""
    calibration = after(np.array([[0.9, 0.1]] * 3), [1, 1, 1])
    assert 0.8 < calibration.scale < 1.0


def test_what_it_keeps_is_bounded() -> None:
    """The last labels decide, and they alone."""
    draw = np.random.default_rng(2)
    rows = draw.dirichlet(np.ones(2), 3 * WINDOW)
    answers = draw.integers(0, 2, 3 * WINDOW).tolist()
    long, short = after(rows, answers), after(rows[-WINDOW:], answers[-WINDOW:])
    assert len(long.answers) == len(long.logarithms) == WINDOW
    assert long.scale == short.scale


def explored(events: random.Random, label_id: str) -> Label:
    """A label of the explore lane."""
    return replace(mixed_record(events, label_id), lane="explore")


class TestFold:
    def test_learns_from_what_the_model_predicted_before_it_learned(self) -> None:
        """Labels of the explore lane alone, from the second label to choose from on."""
        events = random.Random(3)
        fold = Fold(SPEC)
        reference = Fold(SPEC)
        expected = Calibration.identity(3)
        for offset in range(60):
            record = explored(events, str(offset))
            if offset % 3 == 0:
                record = replace(record, lane="uncertain")
            elif offset % 7 == 0:
                record = replace(record, source="seed")
            else:
                shares = reference.model.predict_proba_one(record.features)
                if len(shares) > 1:
                    predicted = np.array([shares.get(label, 0.0) for label in LABELS])
                    expected = expected.learned(predicted / predicted.sum(), LABELS.index(record.label))
            fold.apply(offset, record)
            reference.model.learn_one(record.features, record.label)
        assert len(fold.calibration.answers) == len(expected.answers) > 25
        assert fold.calibration.scale == pytest.approx(expected.scale, rel=1e-12)

    def test_serves_calibrated_probabilities(self) -> None:
        """What the model says, scaled."""
        events = random.Random(4)
        fold = Fold(SPEC)
        for offset in range(100):
            fold.apply(offset, explored(events, str(offset)))
        features, _ = mixed_event(events)
        said = np.array([[fold.model.predict_proba_one(features)[label] for label in LABELS]])
        served = ServingModel(fold).probabilities(FeatureTable(tuple(features), [tuple(features.values())]))
        np.testing.assert_allclose(served, fold.calibration(said), atol=1e-12)
        assert fold.calibration.scale != 1.0

    def test_is_part_of_the_digest(self) -> None:
        """Two folds that serve other probabilities are not the same, even of equal models."""
        events = random.Random(5)
        log = [explored(events, str(offset)) for offset in range(50)]
        one, other = Fold(SPEC), Fold(SPEC)
        for offset, record in enumerate(log):
            one.apply(offset, record)
            other.apply(offset, replace(record, lane="uncertain"))
        features, _ = mixed_event(events)
        assert one.model.predict_proba_one(features) == other.model.predict_proba_one(features)
        assert one.digest() != other.digest()

    @settings(max_examples=10, deadline=None)
    @given(st.integers(0, 2**32))
    def test_is_the_same_after_a_correction_as_without_the_mistake(self, seed: int) -> None:
        """Rewound to a checkpoint or to the start, with the model."""
        events = random.Random(seed)
        log: list[LogRecord] = [explored(events, str(offset)) for offset in range(150)]
        fold = Fold(SPEC)
        for offset, record in enumerate(log):
            fold.apply(offset, record)
        mistaken = events.randrange(150)
        log.append(retraction_record(str(mistaken), 2))
        assert fold.apply(150, log[150]).outcome is Outcome.REWIND
        fold = fold.rewound()
        for offset in range(fold.version, 151):
            fold.apply(offset, log[offset])
        never = Fold(SPEC)
        for offset, record in enumerate(log[:mistaken] + log[mistaken + 1 : 150]):
            never.apply(offset, record)
        assert fold.calibration.scale == never.calibration.scale


class OneSided:
    """An estimator of someone's own that is certain of what it heard last."""

    def __init__(self, labels: tuple[str, ...], seed: int) -> None:
        del seed
        self._answer = dict.fromkeys(labels, 0.0)

    def learn_one(self, x: object, y: str) -> None:
        del x
        self._answer = dict.fromkeys(self._answer, 0.0) | {y: 1.0}

    def predict_proba_one(self, x: object) -> dict[str, float]:
        del x
        return dict(self._answer)


def test_certainty_that_is_wrong_is_toned_down() -> None:
    """Finite throughout, though every label was held for impossible."""
    fold = Fold(ModelSpec(LABELS, factory=f"{__name__}:OneSided"))
    for offset in range(100):
        record = replace(label_record(str(offset), label=LABELS[offset % 3]), lane="explore")
        assert fold.apply(offset, record).outcome is Outcome.LEARNED
    served = ServingModel(fold).probabilities(FeatureTable(("x",), [(1.0,)]))
    assert 1.0 / 3.0 < served.max() < 0.7
