"""Uncertainty: formulas, ends, order, and what River and scikit-activeml make of the same predictions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river.active import EntropySampler
from skactiveml.pool import uncertainty_scores

from streamsel.selection.acquisition import ACQUISITIONS
from streamsel.selection.candidates import Candidates, Floats
from tests.core.candidate_strategies import simplexes

every = pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy"])
rows = st.integers(2, 6).flatmap(lambda classes: simplexes((1, classes)))


def utilities(name: str, probabilities: Floats) -> Floats:
    """By probabilities alone."""
    return ACQUISITIONS[name].function(Candidates(probabilities))


def naive(name: str, row: list[float]) -> float:
    """The formula of each utility, written as in its source."""
    classes, ranked = len(row), sorted(row, reverse=True)
    if name == "least_confidence":
        return (1.0 - ranked[0]) / (1.0 - 1.0 / classes)
    if name == "margin":
        return 1.0 - (ranked[0] - ranked[1])
    return -sum(p * math.log(p) for p in row if p > 0.0) / math.log(classes)


@every
@given(row=rows)
def test_the_formula(name: str, row: Floats) -> None:
    """Each utility is its formula."""
    assert utilities(name, row)[0] == pytest.approx(naive(name, row[0].tolist()), abs=1e-9)


@every
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_ends(name: str, classes: int) -> None:
    """A uniform prediction has utility 1, a certain one 0."""
    both = np.array([[1.0 / classes] * classes, [1.0] + [0.0] * (classes - 1)])
    assert utilities(name, both) == pytest.approx([1.0, 0.0], abs=1e-12)


@every
@given(row=rows, share=st.floats(0.0, 1.0))
def test_the_more_uniform_the_more_useful(name: str, row: Floats, share: float) -> None:
    """Mixing a prediction with the uniform one never makes it less useful."""
    mixed = (1.0 - share) * row + share / row.shape[1]
    assert utilities(name, mixed)[0] >= utilities(name, row)[0] - 1e-9


@every
@given(row=rows)
def test_scikit_activeml_agrees(name: str, row: Floats) -> None:
    """Up to its largest value, which scikit-activeml does not divide by."""
    method = {"least_confidence": "least_confident", "margin": "margin_sampling", "entropy": "entropy"}[name]
    classes = row.shape[1]
    largest = {"least_confidence": 1.0 - 1.0 / classes, "margin": 1.0, "entropy": math.log(classes)}[name]
    theirs = uncertainty_scores(row, method=method) / largest
    assert utilities(name, row) == pytest.approx(theirs, abs=1e-9)


@given(st.integers(2, 6).flatmap(lambda classes: simplexes((1, classes), smallest=1e-6)))
def test_entropy_is_that_of_river(row: Floats) -> None:
    """River's entropy sampler, undiscounted, gives the same utility where no class has probability 0."""
    sampler = EntropySampler(classifier=None, discount_factor=1)
    assert utilities("entropy", row)[0] == pytest.approx(sampler._p(dict(enumerate(row[0]))), abs=1e-9)
