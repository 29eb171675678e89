"""The logistic preset learns as River does, to the last bit."""

from __future__ import annotations

import random
from typing import Any

import pytest

from streamsel.learning.features import parts
from streamsel.learning.logistic import ScaledLogistic
from tests.core.learning_strategies import mixed_event


def facts(model: ScaledLogistic) -> list[Any]:
    """All that it has learned."""
    scaler = model.scaler
    learned = [
        (one._weights.to_dict(), dict(one.optimizer.g2), one.optimizer.n_iterations, one.intercept)
        for one in model.regressions
    ]
    return [dict(scaler.counts), dict(scaler.means), dict(scaler.vars), learned]


@pytest.mark.parametrize("labels", [("fine", "fraud"), ("fine", "fraud", "review")], ids=len)
def test_moments_and_weights_are_those_of_rivers_own_steps(labels: tuple[str, ...]) -> None:
    """Numbers of every size, categories, words and constant features; of two labels and of more."""
    draw = random.Random(3)
    ours, theirs = ScaledLogistic(labels, "note"), ScaledLogistic(labels, "note")
    for _ in range(1_000):
        features, label = mixed_event(draw)
        features |= {
            "constant": 7.0,
            f"size{draw.randrange(3)}": draw.gauss(0, 1) * 10.0 ** draw.randrange(-9, 90),
        }
        label = label if label in labels else "fine"
        ours.learn_one(features, label)
        known = parts(features, "note")
        theirs.scaler.learn_one(known.numbers)
        target = label == "fraud" if len(labels) == 2 else label
        theirs.classifier.learn_one(theirs._encoded(known), target)
    assert facts(ours) == facts(theirs)
