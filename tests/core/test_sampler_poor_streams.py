"""The sampler on streams that teach nothing, or hardly anything."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from river import base, linear_model, tree

from streamsel.selection import Sampler
from tests.core.sampled_streams import BUDGET, Mute, sampled


def constant(number: int) -> tuple[dict[str, Any], Any]:
    return {"a": 1.0, "b": "same"}, number % 2


def one_label(number: int) -> tuple[dict[str, Any], Any]:
    return {"a": float(number % 17)}, True


def missing(number: int) -> tuple[dict[str, Any], Any]:
    return {"a": math.nan, "b": float(number % 3) if number % 2 else math.nan, "c": None}, number % 2


def categories(number: int) -> tuple[dict[str, Any], Any]:
    return {"kind": f"kind {number * 7919 % 10_000}", "a": float(number % 5)}, number % 2


def names(number: int) -> tuple[dict[Any, Any], Any]:
    return {f"field {number}": 1.0, 5: number, "huge": 10**400, "list": [number]}, number % 2


@pytest.mark.parametrize("make", [constant, one_label, missing, categories, names])
def test_a_poor_stream_is_sampled_within_bounds(make: Callable[[int], tuple[dict[str, Any], Any]]) -> None:
    """No crash, the budget spent, and no more memory for more events."""
    sampler = Sampler(Mute(), budget=BUDGET)
    sizes = []
    for start in range(0, 16_000, 4_000):
        asked = 0
        for first in range(start, start + 4_000, 50):
            events = [make(number) for number in range(first, first + 50)]
            for (x, y), choice in zip(events, sampler.decide_many([x for x, _ in events]), strict=True):
                asked += choice.ask
                if choice.ask:
                    sampler.learn_one(x, y, choice)
        assert asked == pytest.approx(BUDGET * 4_000, abs=100)
        sizes.append(len(pickle.dumps(sampler)))
    assert sizes[-1] < 1.2 * sizes[1]
    assert sizes[-1] < 4_000_000


@pytest.mark.parametrize("make", [constant, one_label, missing], ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    "classifier",
    [partial(linear_model.LogisticRegression), partial(tree.HoeffdingTreeClassifier)],
    ids=["logistic", "tree"],
)
def test_rivers_own_learners_go_through_poor_streams(
    classifier: Callable[[], base.Classifier], make: Callable[[int], tuple[dict[str, Any], Any]]
) -> None:
    """A classifier that comes to NaN is asked about, not believed."""
    numbers_only = (
        ({name: value for name, value in x.items() if isinstance(value, float)}, y)
        for x, y in map(make, range(1_000))
    )
    choices = sampled(Sampler(classifier(), budget=BUDGET), numbers_only)
    assert sum(choice.ask for choice in choices) == pytest.approx(BUDGET * 1_000, abs=30)
    assert all(0.0 <= choice.utility <= 1.0 for choice in choices)
