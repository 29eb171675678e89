"""Doing beforehand what takes long about a label."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest

from streamsel.learning.applied import Outcome
from streamsel.learning.fold import Fold
from streamsel.learning.spec import PRESETS, ModelSpec
from streamsel.records import LogRecord, Value
from tests.core.learning_strategies import label_record, mixed_record, retraction_record

LABELS = ("fine", "fraud", "review")


class Fitting:
    """An estimator for which every label takes long; it knows whether that was done beforehand."""

    fit_due = True

    def __init__(self, labels: Sequence[str], seed: int) -> None:
        del seed
        self._labels = labels
        self._ahead: tuple[Mapping[str, Value], str] | None = None
        self.learned: list[bool] = []
        self.fits = 0

    def fit_ahead(self, x: Mapping[str, Value], y: str) -> None:
        self.fits += 1
        if "bad" in x:
            raise ValueError("bad")
        self._ahead = x, y

    def learn_one(self, x: Mapping[str, Value], y: str) -> None:
        if "bad" in x:
            raise ValueError("bad")
        self.learned.append(self._ahead == (x, y))
        self._ahead = None

    def predict_proba_one(self, x: Mapping[str, Value]) -> dict[str, float]:
        del x
        return dict.fromkeys(self._labels, 1 / len(self._labels))


SPEC = ModelSpec(LABELS, factory=f"{__name__}:Fitting")


def folded(spec: ModelSpec, records: Sequence[LogRecord | None], *, ahead: bool) -> Fold:
    fold = Fold(spec)
    for offset, record in enumerate(records):
        fold.note(offset, record)
    for offset, record in enumerate(records):
        fit = fold.ahead(offset, record) if ahead else None
        if fit is not None:
            fit()
        assert fold.apply(offset, record).outcome is not Outcome.REWIND
    return fold


@pytest.mark.parametrize("preset", PRESETS)
def test_comes_to_the_same_with_or_without(preset: str) -> None:
    """Whoever does it beforehand, and whoever does not, have the same model."""
    draw = random.Random(5)
    records: list[LogRecord] = [mixed_record(draw, str(index)) for index in range(60)]
    records += [mixed_record(draw, "7", 2), retraction_record("9", 2)]
    spec = ModelSpec(LABELS, preset, text="note")
    assert folded(spec, records, ahead=True).digest() == folded(spec, records, ahead=False).digest()


def test_is_recognised_by_the_model() -> None:
    """What is fitted beforehand is what is learned then: present features by sorted names."""
    records = [label_record(str(index), features={"b": None, "a": float(index)}) for index in range(5)]
    model = folded(SPEC, records, ahead=True).model
    assert isinstance(model, Fitting)
    assert (model.learned, model.fits) == ([True] * 5, 5)


def test_nothing_is_fitted_for_records_that_are_not_learned() -> None:
    """Copies, superseded labels, retractions, labels of other names and unreadable records."""
    records: list[LogRecord | None] = [
        label_record("a"),
        label_record("a"),
        label_record("b"),
        label_record("b", 2),
        retraction_record("c", 1),
        label_record("d", label="perhaps"),
        None,
    ]
    model = folded(SPEC, records, ahead=True).model
    assert isinstance(model, Fitting)
    assert (model.learned, model.fits) == ([True] * 2, 2)


def test_nothing_is_fitted_for_a_label_that_rewinds() -> None:
    """The fold stops there; another one learns it."""
    fold = folded(SPEC, [label_record("a")], ahead=True)
    assert fold.ahead(1, label_record("a", 2)) is None
    assert fold.apply(1, label_record("a", 2)).outcome is Outcome.REWIND


def test_a_failing_fit_is_told_when_the_label_is_refused() -> None:
    """Not when it is tried beforehand."""
    fold = Fold(SPEC)
    bad = label_record("a", features={"bad": 1.0})
    fit = fold.ahead(0, bad)
    assert fit is not None
    fit()
    applied = fold.apply(0, bad)
    assert (applied.outcome, applied.detail) == (Outcome.REFUSED, "ValueError: bad")


def test_models_that_answer_to_each_label_at_once_have_nothing_to_do_beforehand() -> None:
    """There is nothing that takes long about a label."""
    assert Fold(ModelSpec(LABELS)).ahead(0, label_record("a")) is None
