"""Streams and learners that are no help: the fold goes on, within bounds."""

from __future__ import annotations

import math
import pickle
import random
from dataclasses import replace

import numpy as np
import pytest

from streamsel.learning.applied import Outcome
from streamsel.learning.fold import Fold
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import PRESETS, ModelSpec
from streamsel.records import Features, FeatureTable, Label
from tests.core.learning_strategies import label_record, mixed_event, mixed_record, table_of

LABELS = ("fine", "fraud", "review")
presets = pytest.mark.parametrize("preset", PRESETS)


class Mute:
    """An estimator of someone's own that never has an opinion."""

    def __init__(self, labels: tuple[str, ...], seed: int) -> None:
        del labels, seed

    def learn_one(self, x: object, y: str) -> None:
        del x, y

    def predict_proba_one(self, x: object) -> dict[str, float]:
        del x
        return {}


class Stubborn(Mute):
    """One that knows a single answer."""

    def predict_proba_one(self, x: object) -> dict[str, float]:
        del x
        return {"fraud": 1.0}


class Confused(Mute):
    """One whose shares are no numbers."""

    def predict_proba_one(self, x: object) -> dict[str, float]:
        del x
        return {"fine": math.nan, "fraud": math.inf, "review": -1.0}


def explored(label_id: str, label: str, features: Features) -> Label:
    """A label of the explore lane, from which everything is learned that can be."""
    return replace(label_record(label_id, label=label, features=features), lane="explore")


@pytest.mark.parametrize("learner", [Mute, Stubborn, Confused])
def test_a_learner_without_an_opinion_is_taken_for_one_that_knows_nothing(learner: type[Mute]) -> None:
    """Its labels are counted, nothing is calibrated, and every event is as uncertain as can be."""
    fold = Fold(ModelSpec(LABELS, factory=f"{__name__}:{learner.__name__}"))
    events = random.Random(1)
    for offset in range(50):
        record = replace(mixed_record(events, str(offset)), lane="explore")
        assert fold.apply(offset, record).outcome is Outcome.LEARNED
    assert fold.experience.labels == 50
    assert fold.experience.explored_loss == pytest.approx(math.log(3.0))
    assert fold.calibration.scale == 1.0
    assert fold.digest() == fold.digest()
    probabilities = ServingModel(fold).probabilities(table_of([(1.0,), (2.0,)], ("amount",)))
    assert probabilities.shape[1] == 0 or np.isnan(probabilities).all()


@presets
def test_a_stream_of_one_label_teaches_no_second(preset: str) -> None:
    """No columns, as before the first label; then the second label is learned like any other."""
    fold = Fold(ModelSpec(LABELS, preset, text="note"))
    serving = ServingModel(fold)
    events = random.Random(2)
    rows = table_of([(1.0, "SE"), (2.0, "DE")], ("amount", "country"))
    for offset in range(60):
        features, _ = mixed_event(events)
        fold.apply(offset, explored(str(offset), "fine", features))
    assert serving.probabilities(rows).shape == (2, 0)
    assert fold.experience.counts == (60, 0, 0)
    fold.apply(60, explored("60", "fraud", {"amount": 1.0, "country": "SE"}))
    assert serving.probabilities(rows)[1, 0] > 0.5


@presets
def test_constant_features_give_the_share_of_the_classes(preset: str) -> None:
    """There is nothing else to go by."""
    fold = Fold(ModelSpec(LABELS[:2], preset))
    events = random.Random(3)
    for offset in range(300):
        label = "fraud" if events.random() < 0.3 else "fine"
        fold.apply(offset, explored(str(offset), label, {"amount": 7.0, "country": "SE"}))
    table = table_of([(7.0, "SE")], ("amount", "country"))
    probabilities = ServingModel(fold).probabilities(table)
    assert probabilities[0, 1] == pytest.approx(0.3, abs=0.15)


@presets
def test_a_value_that_is_not_a_number_costs_its_own_event_alone(preset: str) -> None:
    """A label with one is passed over; a prediction for one leaves those beside it as they are."""
    fold = Fold(ModelSpec(LABELS, preset, text="note"))
    serving = ServingModel(fold)
    events = random.Random(4)
    for offset in range(0, 120, 2):
        fold.apply(offset, replace(mixed_record(events, str(offset)), lane="explore"))
        refused = fold.apply(offset + 1, explored(str(offset + 1), "fine", {"amount": math.nan}))
        assert refused.outcome is Outcome.REFUSED
    assert fold.labels_learned == fold.experience.labels == 60
    rows = [(5.0, "SE", "cash"), (math.nan, "SE", "cash"), (9.0, "PT", "hello")]
    names = ("amount", "country", "note")
    beside = serving.probabilities(FeatureTable(names, [rows[0], rows[2]]))
    together = serving.probabilities(FeatureTable(names, rows))
    assert np.isfinite(beside).all()
    np.testing.assert_allclose(together[[0, 2]], beside, atol=1e-12)


@presets
def test_ten_thousand_categories_and_names_stay_within_bounds(preset: str) -> None:
    """Every label brings a category, a word and a feature never seen before."""
    fold = Fold(ModelSpec(LABELS, preset, text="note"))
    for offset in range(600):
        features: Features = {"note": f"word{offset}", f"only{offset}": 1.0, "terminal": f"t{offset}"}
        fold.apply(offset, explored(str(offset), LABELS[offset % 3], features))
    names = ("note", "terminal")
    rows = [(f"word{index}", f"t{index}") for index in range(10_000)]
    before = len(pickle.dumps(fold.model))
    for start in range(0, 10_000, 500):
        found = ServingModel(fold).probabilities(FeatureTable(names, rows[start : start + 500]))
        assert np.isfinite(found).all()
    assert len(pickle.dumps(fold.model)) <= before + 10_000 < 50e6
