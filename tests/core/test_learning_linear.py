"""One matrix product for a micro-batch is the same as River, event by event."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.learning.features import present
from streamsel.learning.linear import LinearScorer
from streamsel.learning.logistic import ScaledLogistic
from streamsel.records import FeatureTable, Value
from tests.core.learning_strategies import NAMES, mixed_event, rows, table_of

LABELS = ("fine", "fraud", "review", "odd")


def expected(model: ScaledLogistic, table: FeatureTable) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """What ``predict_proba_one`` says of each row."""
    predictions = [model.predict_proba_one(table.row(row)) for row in range(len(table.rows))]
    return np.array([[one[label] for label in model.labels] for one in predictions])


@settings(max_examples=150, deadline=None)
@given(
    classes=st.integers(2, 4),
    learned=st.lists(st.tuples(rows, st.integers(0, 3)), max_size=30),
    asked=st.lists(rows, min_size=1, max_size=8),
)
def test_equals_predict_proba_one_for_any_mix(
    classes: int, learned: list[tuple[tuple[Value, ...], int]], asked: list[tuple[Value, ...]]
) -> None:
    """Numbers, booleans, categories, words, missing and constant ones, with every number of classes."""
    model = ScaledLogistic(LABELS[:classes], "note")
    for row, index in [*learned, *((asked[0], index) for index in range(classes))]:
        model.learn_one(present(dict(zip(NAMES, row, strict=True))), LABELS[index % classes])
    table = table_of(asked)
    np.testing.assert_allclose(
        LinearScorer(model).probabilities(table), expected(model, table), rtol=0.0, atol=1e-12
    )


@settings(max_examples=100, deadline=None)
@given(
    classes=st.integers(2, 4),
    seed=st.integers(0, 2**32),
    scale=st.sampled_from((1e-300, 1e-6, 1.0, 1e9, 1e100)),
    offset=st.sampled_from((0.0, 1.0, 1e12)),
)
def test_equals_predict_proba_one_for_numbers(classes: int, seed: int, scale: float, offset: float) -> None:
    """A table of numbers takes another way, to the same end: also far from 0, tiny, huge and constant."""
    draw = np.random.default_rng(seed)
    matrix = np.clip(draw.normal(size=(40, 5)) * scale + offset, -1e100, 1e100)
    matrix[:, 4] = 7.0
    names = tuple(f"f{index}" for index in range(5))
    events = list(map(tuple, matrix.tolist()))
    model = ScaledLogistic(LABELS[:classes])
    for index, row in enumerate(events[:30]):
        model.learn_one(dict(zip(names, row, strict=True)), LABELS[index % classes])
    table = FeatureTable(names, events, matrix)
    np.testing.assert_allclose(
        LinearScorer(model).probabilities(table), expected(model, table), rtol=0.0, atol=1e-12
    )


@settings(max_examples=100, deadline=None)
@given(
    classes=st.integers(2, 4),
    learned=st.lists(st.tuples(rows, st.integers(0, 3)), max_size=30),
    asked=rows,
)
def test_contributions_add_up_to_the_log_odds_of_the_predicted_label(
    classes: int, learned: list[tuple[tuple[Value, ...], int]], asked: tuple[Value, ...]
) -> None:
    """With the intercept, which no feature brings; and only features that are there contribute."""
    model = ScaledLogistic(LABELS[:classes], "note")
    event = present(dict(zip(NAMES, asked, strict=True)))
    for row, index in learned:
        model.learn_one(present(dict(zip(NAMES, row, strict=True))), LABELS[index % classes])
    if len(model.seen) < 2:
        assert model.contributions(event) == {}
        return
    for index in range(classes):
        model.learn_one(event, LABELS[index])
    said = model.predict_proba_one(event)
    predicted = max(said, key=said.__getitem__)
    contributions = model.contributions(event)
    assert set(contributions) <= set(event)
    without = model.predict_proba_one({})
    assert set(model.contributions({})) == set()
    if classes == 2:
        moved = _log_odds(said[predicted]) - _log_odds(without[predicted])
        assert sum(contributions.values()) == pytest.approx(moved, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(classes=st.integers(2, 4), seed=st.integers(0, 2**32), labels=st.integers(0, 30), word=st.booleans())
def test_contributions_in_a_micro_batch_are_those_of_each_event(
    classes: int, seed: int, labels: int, word: bool
) -> None:
    """Whether all features are numbers or not, and before there are two labels."""
    draw = np.random.default_rng(seed)
    events: list[dict[str, Value]] = [
        {"a": one, "b": other, **({"c": "word"} if word else {})}
        for one, other in draw.normal(size=(labels + 5, 2)).tolist()
    ]
    model = ScaledLogistic(LABELS[:classes])
    for index, event in enumerate(events[:labels]):
        model.learn_one(event, LABELS[index % classes])
    found = LinearScorer(model).contributions(FeatureTable.of(events))
    expected = [model.contributions(event) for event in events]
    assert found == [pytest.approx(one, abs=1e-9) for one in expected]


def _log_odds(share: float) -> float:
    return float(np.log(share) - np.log1p(-share))


class TestLinearScorer:
    @pytest.mark.parametrize("seen", [(), ("fine",), ("fine", "fine")])
    def test_has_no_columns_until_two_labels_were_seen(self, seen: tuple[str, ...]) -> None:
        """Of one label nothing can be told, so every event has the utility of the unknown."""
        model = ScaledLogistic(LABELS)
        for index, label in enumerate(seen):
            model.learn_one({"x": float(index)}, label)
        table = table_of([(1.0,), (2.0,)], ("x",))
        assert LinearScorer(model).probabilities(table).shape == (2, 0)

    def test_shows_the_next_label_and_the_next_table_at_once(self) -> None:
        """What it keeps between calls never outlives a label or a change of features."""
        draw = random.Random(3)
        model = ScaledLogistic(("fine", "fraud", "review"), "note")
        scorer = LinearScorer(model)
        for _ in range(50):
            features, label = mixed_event(draw)
            model.learn_one(features, label)
            table = table_of([tuple(features.values())], tuple(features))
            if len(model.seen) > 1:
                np.testing.assert_allclose(
                    scorer.probabilities(table), expected(model, table), rtol=0.0, atol=1e-12
                )

    def test_takes_certainty_for_certainty_as_river_does(self) -> None:
        """Beyond a log-odds of 30 River says 0 or 1; with all labels at 0 it says they are equal."""
        model = ScaledLogistic(LABELS[:3])
        for label in LABELS[:3]:
            model.learn_one({"x": "SE"}, label)
        for regression, weight in zip(model.regressions, (-40.0, -50.0, -60.0), strict=True):
            regression._weights["x=SE"] = weight
        table = table_of([("SE",)], ("x",))
        assert LinearScorer(model).probabilities(table).tolist() == [[1 / 3, 1 / 3, 1 / 3]]
        assert model.predict_proba_one({"x": "SE"}) == dict.fromkeys(LABELS[:3], 1 / 3)
