"""The logistic preset learns as River does, one label at a time or many."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import preprocessing

from streamsel.learning.features import parts
from streamsel.learning.logistic import ScaledLogistic
from streamsel.records import Value
from tests.core.learning_strategies import mixed_event, numbers

LABELS = ("fine", "fraud", "review")
Labelled = tuple[Mapping[str, Value], str, bool]

events = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcd"), st.one_of(numbers, st.booleans(), st.none())),
        st.sampled_from(LABELS),
        st.booleans(),
    ),
    max_size=40,
)
strings = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcd"), st.one_of(st.floats(-9, 9), st.sampled_from(("x", "y")))),
        st.sampled_from(LABELS),
        st.booleans(),
    ),
    max_size=5,
)


def facts(model: ScaledLogistic) -> list[Any]:
    """All that it has learned, to the last bit."""
    regressions = [
        (one._weights.to_dict(), dict(one.optimizer.g2), one.optimizer.n_iterations)
        for one in model.regressions
    ]
    return [model.moments.by_name, regressions, model.learned, model.seen]


def known(facts: Any) -> Any:
    """But for features that have never had a weight: an absent one is as good as one of no weight."""
    moments, regressions, *others = facts
    kept = [
        ({name: weight for name, weight in weights.items() if totals[name]}, iterations)
        for weights, totals, iterations in regressions
    ]
    return [moments, kept, *others]


def one_by_one(model: ScaledLogistic, labelled: Sequence[Labelled]) -> list[dict[str, float]]:
    said = []
    for features, label, asked in labelled:
        if asked:
            said.append(model.predict_proba_one(features))
        model.learn_one(features, label)
    return said


def in_stretches(model: ScaledLogistic, labelled: Sequence[Labelled], size: int) -> list[dict[str, float]]:
    said = []
    for start in range(0, len(labelled), size):
        stretch = labelled[start : start + size]
        at_once = model.learn_each(*map(list, zip(*stretch, strict=True)))
        said += one_by_one(model, stretch) if at_once is None else at_once
    return said


@settings(deadline=None)
@given(labelled=st.tuples(events, strings, events), size=st.integers(1, 20), classes=st.integers(2, 3))
def test_many_at_once_are_one_after_the_other_to_the_last_bit(
    labelled: tuple[list[Labelled], ...], size: int, classes: int
) -> None:
    """Predictions and all that is learned, wherever the stream is cut, whatever is missing, constant or
    huge, and with categories now and then."""
    ours, theirs = ScaledLogistic(LABELS[:classes]), ScaledLogistic(LABELS[:classes])
    whole = [one for part in labelled for one in part if one[1] in LABELS[:classes]]
    assert in_stretches(ours, whole, size) == one_by_one(theirs, whole)
    assert known(facts(ours)) == known(facts(theirs))


@pytest.mark.parametrize(
    "features", [{"x": "SE"}, {"x": float("nan")}, {"x": [1.0]}], ids=["text", "nan", "list"]
)
def test_learns_none_of_many_where_one_is_no_number(features: Any) -> None:
    """They are then learned one by one, and the one is refused if it has to be."""
    model = ScaledLogistic(LABELS)
    one_by_one(model, [({"x": 1.0}, "fine", False), ({"x": 2.0}, "fraud", False)])
    before = repr(facts(model))
    assert model.learn_each([{"x": 3.0}, features], ["fine", "fine"], [True, True]) is None
    assert model.learn_each([{"x": 3.0}], ["unheard of"], [False]) is None
    assert repr(facts(model)) == before


@pytest.mark.parametrize("labels", [LABELS[:2], LABELS], ids=len)
def test_steps_are_those_of_rivers_own(labels: tuple[str, ...]) -> None:
    """Numbers of every size, categories, words and constant features; of two labels and of more."""
    draw = random.Random(3)
    ours, theirs = ScaledLogistic(labels, "note"), ScaledLogistic(labels, "note")
    scaler = preprocessing.StandardScaler()
    for _ in range(1_000):
        features, label = mixed_event(draw)
        features |= {
            "constant": 7.0,
            f"size{draw.randrange(3)}": draw.gauss(0, 1) * 10.0 ** draw.randrange(-9, 90),
        }
        label = label if label in labels else "fine"
        ours.learn_one(features, label)
        found = parts(features, "note")
        scaler.learn_one(found.numbers)
        theirs.moments.learn(found.numbers)
        target = label == "fraud" if len(labels) == 2 else label
        theirs.classifier.learn_one(theirs._encoded(found), target)
    for name in ours.moments.by_name:
        moment = ours.moments.of(name)
        assert moment.origin + moment.mean == pytest.approx(scaler.means[name], rel=1e-9)
        assert moment.deviation == pytest.approx(scaler.vars[name] ** 0.5, rel=1e-6)
    for mine, rivers in zip(ours.regressions, theirs.regressions, strict=True):
        assert mine._weights.to_dict() == pytest.approx(rivers._weights.to_dict(), rel=1e-6, abs=1e-9)
        assert mine.optimizer.n_iterations == rivers.optimizer.n_iterations
