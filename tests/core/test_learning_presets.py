"""Presets take whatever a stream brings, and learn from it."""

import gc
import math
import pickle
import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.learning.features import present
from streamsel.learning.presets import build
from streamsel.learning.spec import PRESETS, ModelSpec
from streamsel.records import Value
from tests.core.learning_strategies import NAMES, mixed_event, rows

LABELS = ("fine", "fraud", "review")
presets = pytest.mark.parametrize("preset", PRESETS)


def features_of(row: tuple[Value, ...]) -> dict[str, Value]:
    return present(dict(zip(NAMES, row, strict=True)))


@presets
@pytest.mark.parametrize("labels", [LABELS, LABELS[:2]])
class TestEveryPreset:
    def test_knows_nothing_before_the_first_label(self, preset: str, labels: tuple[str, ...]) -> None:
        """An unfitted model has no opinion."""
        assert build(ModelSpec(labels, preset)).predict_proba_one({"x": 1.0}) == {}

    def test_has_no_opinion_from_one_label_alone(self, preset: str, labels: tuple[str, ...]) -> None:
        """One label seen so far is all that a model can predict."""
        model = build(ModelSpec(labels, preset))
        for value in (1.0, 2.0):
            model.learn_one({"x": value}, "fraud")
        assert model.predict_proba_one({"x": 3.0}) == pytest.approx({"fraud": 1.0})

    @settings(max_examples=40, deadline=None)
    @given(
        learned=st.lists(st.tuples(rows, st.integers(0, 2)), min_size=2, max_size=40),
        asked=st.lists(rows, min_size=1, max_size=5),
    )
    def test_takes_any_mix_of_features(
        self,
        preset: str,
        labels: tuple[str, ...],
        learned: list[tuple[tuple[Value, ...], int]],
        asked: list[tuple[Value, ...]],
    ) -> None:
        """Missing, constant, huge, mistyped or new: probabilities stay finite and no call fails."""
        model = build(ModelSpec(labels, preset, text="note"))
        for row, index in learned:
            model.learn_one(features_of(row), labels[index % len(labels)])
        for row in asked:
            predicted = model.predict_proba_one(features_of(row))
            assert set(predicted) <= set(labels)
            assert all(math.isfinite(share) and 0.0 <= share <= 1.0 for share in predicted.values())

    def test_refuses_a_value_of_no_kind_unchanged(self, preset: str, labels: tuple[str, ...]) -> None:
        """What can't be learned leaves no trace in the model."""
        model = build(ModelSpec(labels, preset))
        for label in labels:
            model.learn_one({"x": float(len(label)), "y": "SE"}, label)
        before = pickle.dumps(model)
        for wrong in (float("nan"), [1.0]):
            with pytest.raises((ValueError, TypeError)):
                model.learn_one({"x": 1.0, "y": wrong}, labels[0])  # type: ignore[dict-item]
        with pytest.raises(ValueError, match="'other'"):
            model.learn_one({"x": 1.0}, "other")
        assert pickle.dumps(model) == before


@presets
class TestLearning:
    def test_tells_apart_what_differs_in_numbers_categories_and_words(self, preset: str) -> None:
        """After some hundred labels a preset is far better than the commonest label."""
        draw = random.Random(1)
        model = build(ModelSpec(LABELS, preset, text="note"))
        right: list[bool] = []
        common: list[bool] = []
        for _ in range(900):
            features, label = mixed_event(draw)
            predicted = model.predict_proba_one(features)
            right.append(bool(predicted) and max(predicted, key=predicted.__getitem__) == label)
            common.append(label == "fraud")
            model.learn_one(features, label)
        assert sum(right[450:]) > sum(common[450:]) + 100

    def test_predictions_leave_nothing_behind(self, preset: str) -> None:
        """Whatever categories and features they are asked about."""
        model = build(ModelSpec(LABELS, preset))
        for index in range(300):
            model.learn_one({"terminal": f"t{index}", "amount": float(index)}, LABELS[index % 3])
        for index in range(5_000):
            if index == 2_500:
                # Only now: Python keeps some thousand freed objects for the next ones.
                tracemalloc.start()
            model.predict_proba_one({"terminal": f"t{index}", f"feature {index}": 1.0})
        # LightGBM leaves cycles, which the collector comes for in its own time.
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert grown < 50_000

    def test_a_freak_value_does_not_spoil_a_feature(self, preset: str) -> None:
        """One value of 1e100 among ordinary ones neither breaks weights nor decides for the rest."""
        draw = random.Random(2)
        model = build(ModelSpec(("fine", "fraud"), preset))
        for index in range(400):
            amount, other = draw.gauss(0.0, 1.0), draw.gauss(0.0, 1.0)
            shown = 1e100 if index == 200 else other
            model.learn_one({"amount": amount, "other": shown}, "fraud" if amount > 0.0 else "fine")
        high = model.predict_proba_one({"amount": 2.0, "other": 0.0})
        low = model.predict_proba_one({"amount": -2.0, "other": 0.0})
        assert high["fraud"] > 0.8 > 0.2 > low["fraud"]
