"""The portfolio as a River classifier."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from river import preprocessing
from river.checks import yield_checks

from streamsel.learning.portfolio import Portfolio, PortfolioClassifier
from streamsel.selection import Sampler
from tests.core.learning_strategies import mixed_event

CHECKS = {check.__name__ for check in yield_checks(PortfolioClassifier())}


def learned(count: int, seed: int = 1) -> PortfolioClassifier:
    model, draw = PortfolioClassifier("note"), random.Random(seed)
    for _ in range(count):
        model.learn_one(*mixed_event(draw))
    return model


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_follows_rivers_conventions(name: str) -> None:
    """Each of the checks that River has for classifiers, on all of its streams."""
    model = PortfolioClassifier()
    checks: list[Callable[..., None]] = [check for check in yield_checks(model) if check.__name__ == name]
    for check in checks:
        check(model.clone())


def test_predicts_as_if_it_had_known_the_classes_from_the_start() -> None:
    """In the order in which they came, whenever the last of them did."""
    draw = random.Random(1)
    events = [event for event in (mixed_event(draw) for _ in range(160)) if event[1] != "review"]
    events += [mixed_event(draw) for _ in range(40)]
    model = PortfolioClassifier("note")
    for features, label in events:
        model.learn_one(features, label)
    assert set(model.labels) == {"fine", "fraud", "review"}
    assert model.labels[2] == "review"
    told = Portfolio(("0", "1", "2"), "note")
    for features, label in events:
        told.learn_one(features, str(model.labels.index(label)))
    for features, _ in events[:20]:
        (row,) = told.predict_proba_many([features])
        assert model.predict_proba_one(features) == dict(zip(model.labels, row.values(), strict=True))


@pytest.mark.parametrize("classes", [(False, True), (0, 1), (np.bool_(True), np.bool_(False)), ("a", "b")])
def test_a_class_may_be_anything_hashable(classes: tuple[Any, Any]) -> None:
    """And comes back as it was given."""
    model = PortfolioClassifier()
    assert model.predict_proba_one({"x": 1.0}) == {}
    assert model.predict_one({"x": 1.0}) is None
    model.learn_one({"x": 1.0}, classes[0])
    assert model.predict_proba_one({"x": 1.0}) == {classes[0]: 1.0}
    for number in range(20):
        model.learn_one({"x": float(number % 2)}, classes[number % 2])
    assert model.predict_one({"x": 1.0}) == classes[1]
    assert set(model.predict_proba_one({"x": 1.0})) == set(classes)


@pytest.mark.parametrize("missing", [None, math.nan, np.float64("nan")])
def test_what_is_missing_is_as_if_absent(missing: float | None) -> None:
    """``None`` and NaN, in learning and in predicting."""
    one, other = PortfolioClassifier(), PortfolioClassifier()
    for number in range(30):
        features = {"x": float(number % 2)} | ({} if number % 3 else {"y": 1.0})
        other.learn_one({"y": missing} | features, number % 2)
        one.learn_one(features, number % 2)
    asked = {"x": 1.0, "y": missing, "z": missing}
    assert one.predict_proba_one({"x": 1.0}) == other.predict_proba_one(asked)


def test_numbers_are_numbers_whatever_their_type() -> None:
    """NumPy's and Python's, and those beyond all bounds."""
    one, other = PortfolioClassifier(), PortfolioClassifier()
    for number in range(30):
        one.learn_one({"x": number % 2, "y": number % 3 == 0, 3: 1e100}, number % 2)
        other.learn_one({"x": np.int32(number % 2), "y": np.bool_(number % 3 == 0), 3: math.inf}, number % 2)
    assert one.predict_proba_one({"x": 1, "y": True, 3: 10**400}) == other.predict_proba_one(
        {"x": np.float32(1.0), "y": True, 3: math.inf}
    )


@pytest.mark.parametrize(
    ("features", "label"), [({"x": [1.0]}, 1), ({"x": 1.0}, None), ({"x": 1.0}, math.nan)]
)
def test_what_cannot_be_learned_leaves_no_trace(features: dict[str, Any], label: Any) -> None:
    """No value, no label: an error at once, not when the next class comes."""
    model = PortfolioClassifier()
    with pytest.raises((ValueError, TypeError)):
        model.learn_one(features, label)
    assert list(model.labels) == []
    for number in range(4):
        model.learn_one({"x": float(number)}, number % 2)
    assert list(model.labels) == [0, 1]


class TestManyAtOnce:
    def test_a_data_frame_gives_one_of_its_kind(self) -> None:
        """A column a class; rows as ``predict_proba_one`` has them, gaps included."""
        model, draw = learned(60), random.Random(2)
        events = [mixed_event(draw)[0] | {"age": 40.0} for _ in range(20)]
        events[3]["amount"] = None
        found = model.predict_proba_many(pa.Table.from_pylist(events))
        assert isinstance(found, pa.Table)
        for row, features in zip(found.to_pylist(), events, strict=True):
            assert row == pytest.approx(model.predict_proba_one(features), abs=1e-12)

    def test_events_one_by_one_need_no_data_frame(self) -> None:
        """An iterable of them gives a list."""
        model, draw = learned(60), random.Random(2)
        events = [mixed_event(draw)[0] for _ in range(20)]
        for row, features in zip(model.predict_proba_many(iter(events)), events, strict=True):
            assert row == pytest.approx(model.predict_proba_one(features), abs=1e-12)

    def test_learning_many_is_learning_each(self) -> None:
        """A table and a column of labels, and predictions in the same kind."""
        rows = [{"x": float(number % 2), "country": "SE" if number % 3 else None} for number in range(40)]
        labels = [number % 2 for number in range(40)]
        one, many = PortfolioClassifier(), PortfolioClassifier()
        for features, label in zip(rows, labels, strict=True):
            one.learn_one(features, label)
        table = pa.Table.from_pylist(rows)
        assert many.predict_many(table).to_pylist() == [None] * 40
        many.learn_many(table, pa.chunked_array([labels]))
        assert many.predict_proba_one(rows[0]) == one.predict_proba_one(rows[0])
        assert many.predict_many(table).to_pylist() == [one.predict_one(features) for features in rows]


def test_stands_at_the_end_of_a_pipeline() -> None:
    """Behind River's transformers."""
    model = preprocessing.StandardScaler() | PortfolioClassifier()
    for number in range(30):
        model.learn_one({"x": float(number % 2)}, number % 2)
    assert model.predict_one({"x": 1.0}) == 1


@pytest.mark.parametrize("strategy", ["hybrid", "committee_kl"])
def test_is_a_committee_for_the_sampler(strategy: str) -> None:
    """Which asks about what its members disagree on, and learns classes as they come."""
    sampler, draw = (
        Sampler(PortfolioClassifier("note"), 0.3, strategy=strategy, text="note"),
        random.Random(1),
    )
    asked = 0
    for number in range(300):
        features, label = mixed_event(draw)
        choice = sampler.decide_one(features)
        asked += choice.ask
        if choice.ask or number < 10:
            sampler.learn_one(features, label, choice)
    assert 60 <= asked <= 120
    assert set(sampler.predict_proba_one({"amount": 1.0})) == {"fine", "fraud", "review"}
