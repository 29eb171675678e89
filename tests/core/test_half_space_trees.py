"""Half-space trees: their densities counted by hand, and what they find far out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from streamsel.selection.candidates import Floats
from streamsel.selection.half_space_trees import SMALLEST, HalfSpaceTrees


def rarity(trees: HalfSpaceTrees, tree: int, point: Floats, window: Floats) -> float:
    """Of one point in one tree, walking down as the paper does and counting the window at each node."""
    inside, node = window, tree
    for depth, (dimensions, thresholds) in enumerate(trees._levels):
        if len(inside) < SMALLEST * len(window):
            return -math.log2(len(inside) / len(window) * 2**depth + 1e-3)
        dimension, threshold = dimensions[node], thresholds[node]
        beyond = point[dimension] >= threshold
        inside = inside[(inside[:, dimension] >= threshold) == beyond]
        node = 2 * node + int(beyond)
    return -math.log2(len(inside) / len(window) * 2 ** len(trees._levels) + 1e-3)


@given(
    arrays(np.float64, (40, 2), elements=st.floats(-3.0, 3.0)),
    arrays(np.float64, (5, 2), elements=st.floats(-5.0, 5.0)),
)
def test_scores_are_densities_counted_by_hand(window: Floats, points: Floats) -> None:
    """The mean over the trees of what walking down each of them gives."""
    trees = HalfSpaceTrees(2, trees=4, depth=4, window=40)
    trees.scores(window)
    expected = [np.mean([rarity(trees, tree, point, window) for tree in range(4)]) for point in points]
    assert trees.scores(points) == pytest.approx(expected, abs=1e-9)


def test_the_further_out_the_higher() -> None:
    """Along a line away from a cloud of events."""
    draws = np.random.default_rng(5)
    trees = HalfSpaceTrees(3)
    trees.scores(draws.normal(size=(1000, 3)))
    scores = trees.scores(np.linspace(0.0, 4.0, 5)[:, np.newaxis] * np.ones(3))
    assert (np.diff(scores) > 0.0).all()


def test_the_first_events_are_scored_among_themselves() -> None:
    """Before a window has ended, what is far from the rest of the first batch already shows."""
    points = np.random.default_rng(6).normal(size=(100, 3))
    points[17] = 5.0
    assert HalfSpaceTrees(3).scores(points).argmax() == 17


def test_a_window_is_forgotten_after_the_next() -> None:
    """What was far out becomes ordinary where the stream has moved."""
    draws = np.random.default_rng(7)
    trees = HalfSpaceTrees(2, window=250)
    there = np.full((1, 2), 3.0)
    trees.scores(draws.normal(size=(250, 2)))
    before = trees.scores(there)[0]
    for _ in range(3):
        trees.scores(draws.normal(3.0, 1.0, size=(250, 2)))
    assert trees.scores(there)[0] < before - 2.0


def test_the_seed_decides() -> None:
    """The same one, the same scores; another, others."""
    points = np.random.default_rng(8).normal(size=(300, 2))
    assert (
        HalfSpaceTrees(2, seed=1).scores(points).tolist() == HalfSpaceTrees(2, seed=1).scores(points).tolist()
    )
    assert (
        HalfSpaceTrees(2, seed=1).scores(points).tolist() != HalfSpaceTrees(2, seed=2).scores(points).tolist()
    )


def test_constant_features_leave_all_alike() -> None:
    """There is nothing to tell events by."""
    assert np.ptp(HalfSpaceTrees(2).scores(np.zeros((50, 2)))) == 0.0
