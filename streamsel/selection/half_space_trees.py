"""How far events lie from where the others are, by half-space trees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.candidates import Floats

REACH = 5.0
"""Each tree looks this far, in standard deviations, to both sides of its centre in each dimension."""
CENTRES = 1.0
"""The centres lie at random up to this far from the mean."""
SMALLEST = 0.03
"""A node with a smaller share of the window is not looked into further."""


class HalfSpaceTrees:
    """S. C. Tan, K. M. Ting and T. F. Liu, Fast Anomaly Detection for Streaming Data, IJCAI 2011, over points
    standardised by ``Space``.

    Each node halves its range in a random dimension; how many events of a window fell into a node tells how
    dense it is. Three things differ from the paper, as measured better on rare classes that are small
    clusters among others: the ranges lie around the middle of the data, a node is looked into down to 3 % of
    a window rather than 10 %, and the trees' densities are averaged as logarithms. A window ends with the
    micro-batch that fills it; until the first has ended, the events so far stand for it.
    """

    def __init__(
        self, dimensions: int, *, trees: int = 25, depth: int = 8, window: int = 250, seed: int = 0
    ) -> None:
        self.dimensions = dimensions
        self._trees = trees
        self._depth = depth
        self._window = window
        self._levels = _halvings(dimensions, trees, depth, np.random.default_rng(seed))
        self._mass = np.zeros(trees << depth)
        self._seen = 0
        self._rarity: Floats | None = None

    def scores(self, points: Floats) -> Floats:
        """Learns from ``points`` (events, dimensions) and returns (events,): the higher, the further out. In
        bits: minus the mean logarithm of the density, over that of a uniform distribution."""
        leaves = self._leaves(points)
        self._mass += np.bincount(leaves.ravel(), minlength=len(self._mass))
        self._seen += len(points)
        full = self._seen >= self._window
        latest = self._rarity_of_leaves() if full or self._rarity is None else self._rarity
        rarity = latest if self._rarity is None else self._rarity
        if full:
            self._rarity = latest
            self._mass[:] = 0.0
            self._seen = 0
        scores: Floats = rarity.take(leaves).mean(axis=0)
        return scores

    def _leaves(self, points: Floats) -> NDArray[np.intp]:
        """(trees, events): which of all trees' leaves each event falls into."""
        values = np.ascontiguousarray(points).ravel()
        first = np.arange(len(points)) * self.dimensions
        nodes = np.repeat(np.arange(self._trees)[:, np.newaxis], len(points), axis=1)
        for dimensions, thresholds in self._levels:
            looked_at = dimensions.take(nodes)
            looked_at += first
            beyond = values.take(looked_at) >= thresholds.take(nodes)
            nodes += nodes
            nodes += beyond
        return nodes

    def _rarity_of_leaves(self) -> Floats:
        """(leaves,): minus the binary logarithm of the density an event in each leaf has: that of the first
        node on its way down with a small share of the events, or else of the leaf."""
        shares = [self._mass / max(self._seen, 1)]
        for _ in range(self._depth):
            shares.append(shares[-1][0::2] + shares[-1][1::2])
        rarity, small = np.zeros(self._trees), np.zeros(self._trees, np.bool_)
        for depth, share in enumerate(reversed(shares)):
            if depth:
                rarity, small = np.repeat(rarity, 2), np.repeat(small, 2)
            large = ~small
            rarity[large] = _rarity(share[large], depth)
            small |= share < SMALLEST
        return rarity


def _rarity(shares: Floats, depth: int) -> Floats:
    # An empty node counts as a tenth of a percent of what a uniform distribution had there.
    rarity: Floats = -np.log2(shares * (1 << depth) + 1e-3)
    return rarity


def _halvings(
    dimensions: int, trees: int, depth: int, draws: np.random.Generator
) -> list[tuple[NDArray[np.intp], Floats]]:
    """For each level the nodes of all trees, the children of node n being 2 n and 2 n + 1: the dimension each
    halves, and where."""
    centres = draws.uniform(-CENTRES, CENTRES, (trees, dimensions))
    lower, upper = centres - REACH, centres + REACH
    levels = []
    for _ in range(depth):
        nodes = np.arange(len(lower))
        halved = draws.integers(0, dimensions, len(lower))
        middles = (lower[nodes, halved] + upper[nodes, halved]) / 2.0
        levels.append((halved, middles))
        lower, upper = np.repeat(lower, 2, axis=0), np.repeat(upper, 2, axis=0)
        upper[2 * nodes, halved] = middles
        lower[2 * nodes + 1, halved] = middles
    return levels
