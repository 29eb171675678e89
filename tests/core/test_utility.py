"""How much a label would teach: range, ends, order, and what counts as knowing nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from river.active import EntropySampler

from streamsel.selection import UTILITIES

every = pytest.mark.parametrize("name", sorted(UTILITIES))


def simplex(classes: int, smallest: float = 0.0) -> st.SearchStrategy[np.ndarray]:
    """One row of probabilities."""
    return arrays(np.float64, (1, classes), elements=st.floats(max(smallest, 1e-9), 1.0)).map(
        lambda row: row / row.sum()
    )


rows = st.integers(2, 6).flatmap(simplex)


def naive(name: str, row: list[float]) -> float:
    """The formula of each utility, written as in its source."""
    classes, ranked = len(row), sorted(row, reverse=True)
    if name == "least_confidence":
        return (1.0 - ranked[0]) / (1.0 - 1.0 / classes)
    if name == "margin":
        return 1.0 - (ranked[0] - ranked[1])
    return -sum(p * math.log(p) for p in row if p > 0.0) / math.log(classes)


@every
@given(rows)
def test_formula_and_range(name: str, row: np.ndarray) -> None:
    """Each utility is its formula, and lies in [0, 1]."""
    (utility,) = UTILITIES[name](row)
    assert 0.0 <= utility <= 1.0
    assert utility == pytest.approx(naive(name, row[0].tolist()), abs=1e-9)


@every
@given(rows, st.data())
def test_the_order_of_classes_is_of_no_matter(name: str, row: np.ndarray, data: st.DataObject) -> None:
    """Any permutation of the classes has the same utility."""
    turned = row[:, data.draw(st.permutations(range(row.shape[1])))]
    assert UTILITIES[name](turned) == pytest.approx(UTILITIES[name](row), abs=1e-12)


@every
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_ends(name: str, classes: int) -> None:
    """A uniform prediction has utility 1, a certain one 0."""
    both = np.array([[1.0 / classes] * classes, [1.0] + [0.0] * (classes - 1)])
    assert UTILITIES[name](both) == pytest.approx([1.0, 0.0], abs=1e-12)


@every
@given(st.lists(st.floats(0.5, 1.0), min_size=2, max_size=8))
def test_two_classes_are_ranked_by_distance_from_even(name: str, tops: list[float]) -> None:
    """Of two classes, the nearer to even the more useful: all three utilities agree on the order."""
    table = np.array([[top, 1.0 - top] for top in sorted(tops)])
    assert (np.diff(UTILITIES[name](table)) <= 1e-12).all()


@every
@pytest.mark.parametrize("shape", [(4, 0), (4, 1), (0, 0), (0, 3)])
def test_an_unfitted_model_makes_every_event_useful(name: str, shape: tuple[int, int]) -> None:
    """With fewer than two classes nothing is known: utility 1 for each event there is."""
    assert UTILITIES[name](np.ones(shape)).tolist() == [1.0] * shape[0]


@every
def test_rows_that_are_no_distribution(name: str) -> None:
    """A row with a NaN or without any weight has utility 1, and does not touch its neighbours."""
    table = np.array([[np.nan, np.nan, np.nan], [0.5, np.nan, 0.5], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert UTILITIES[name](table) == pytest.approx([1.0, 1.0, 1.0, 0.0], abs=1e-12)


@given(st.integers(2, 6).flatmap(lambda classes: simplex(classes, smallest=1e-6)))
def test_entropy_is_that_of_river(row: np.ndarray) -> None:
    """River's entropy sampler, undiscounted, gives the same utility where no class has probability 0."""
    sampler = EntropySampler(classifier=None, discount_factor=1)
    assert UTILITIES["entropy"](row)[0] == pytest.approx(sampler._p(dict(enumerate(row[0]))), abs=1e-9)
