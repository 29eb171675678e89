"""A micro-batch scored by a whole Hoeffding tree at once, instead of event by event.

The events go down together: at each branch their rows part, and each leaf's naive Bayes, or its shares, is
computed for all rows that reached it. What is computed is what River's ``HoeffdingAdaptiveTreeClassifier``
does in ``predict_proba_one``, in the same order, so each event takes the same path and the results are equal
but for the last bits of squares and exponentials.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import tree
from river.tree.nodes.branch import DTBranch

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

_HALF_LOG_TAU = 0.5 * math.log(math.tau)


def tree_shares(
    estimator: tree.HoeffdingAdaptiveTreeClassifier, names: Sequence[str], values: Floats, labels: int
) -> Floats:
    """(rows, labels) of a tree that learned labels by index: each row sums to 1, or is NaN where no leaf has
    a share for any; (rows, 0) until two labels have been seen.

    ``values`` is (names, rows), NaN for what is missing.
    """
    rows = values.shape[1]
    if len(estimator.classes) < 2:
        return np.zeros((rows, 0))
    columns = {name: column for column, name in enumerate(names)}
    votes = np.zeros((labels, rows))
    for leaf, reached in _leaves(estimator._root, columns, values):  # noqa: SLF001 - no other way to it
        for label, said in _leaf_shares(leaf, columns, values, reached).items():
            votes[label, reached] += said
    totals = votes.sum(axis=0)
    shares: Floats = (votes / np.where(totals > 0.0, totals, np.nan)).T
    return shares


def _leaves(root: Any, columns: Mapping[str, int], values: Floats) -> Iterator[tuple[Any, Rows]]:
    """Each leaf with the rows that reach it, those of alternate trees as well; a leaf may come repeatedly."""
    waiting = [(root, np.arange(values.shape[1]))]
    while waiting:
        node, rows = waiting.pop()
        if not isinstance(node, DTBranch):
            yield node, rows
            continue
        ways = _ways(node, columns, values, rows)
        waiting += [(child, some) for child, some in ways if len(some)]
        # The last is the next: an alternate tree is heard before what it may replace.
        if node._alternate_tree:  # noqa: SLF001
            waiting.append((node._alternate_tree, rows))  # noqa: SLF001


def _ways(branch: Any, columns: Mapping[str, int], values: Floats, rows: Rows) -> list[tuple[Any, Rows]]:
    """The children and who goes to each. Where the feature is missing, the way most have gone is taken; River
    then meets the child twice, and hears its alternate tree once more."""
    column = columns.get(branch.feature)
    found = np.full(len(rows), np.nan) if column is None else values[column, rows]
    left, right = branch.children
    below = found <= branch.threshold
    missing = np.isnan(found)
    ways = [(left, rows[below]), (right, rows[~below & ~missing])]
    if missing.any():
        _, common = branch.most_common_path()
        ways.append((common, rows[missing]))
        if isinstance(common, DTBranch) and common._alternate_tree:  # noqa: SLF001
            ways.append((common._alternate_tree, rows[missing]))  # noqa: SLF001
    return ways


def _leaf_shares(leaf: Any, columns: Mapping[str, int], values: Floats, rows: Rows) -> dict[int, Floats]:
    """By label, of each row: weighted by the leaf's error, as by ``AdaLeafClassifier.prediction``."""
    total = sum(leaf.stats.values())
    if not total:
        return {}
    if leaf.is_active() and leaf._nb_correct_weight >= leaf._mc_correct_weight:  # noqa: SLF001
        shares = _naive_bayes(leaf, columns, values[:, rows])
    else:
        shares = np.repeat([[weight * (1 / total)] for weight in leaf.stats.values()], len(rows), axis=1)
    error = leaf._mean_error.get()  # noqa: SLF001
    if error:
        shares *= 1 / (shares.sum(axis=0) * error * error)
    return dict(zip(leaf.stats, shares, strict=True))


def _naive_bayes(leaf: Any, columns: Mapping[str, int], values: Floats) -> Floats:
    """(labels of the leaf, rows)."""
    total = sum(leaf.stats.values())
    votes = np.zeros((len(leaf.stats), values.shape[1]))
    seen = [(columns[name], splitter) for name, splitter in leaf.splitters.items() if name in columns]
    for place, (label, weight) in enumerate(leaf.stats.items()):
        if weight > 0.0:
            votes[place] = math.log(weight / total) + _log_likelihood(seen, label, values)
    votes -= votes.max(axis=0)
    chances: Floats = np.exp(votes)
    chances /= chances.sum(axis=0)
    return chances


def _log_likelihood(seen: Sequence[tuple[int, Any]], label: int, values: Floats) -> Floats:
    """(rows,) of features taken for normal and independent; those without spread say nothing."""
    normal = [
        (column, gaussian.mu, variance)
        for column, splitter in seen
        if (gaussian := splitter._att_dist_per_class.get(label)) is not None  # noqa: SLF001
        and (variance := gaussian._var.get()) > 0.0  # noqa: SLF001
    ]
    if not normal:
        return np.zeros(values.shape[1])
    used, means, variances = zip(*normal, strict=True)
    spread = np.array(variances)[:, None]
    constants = np.array([0.5 * math.log(variance) for variance in variances])[:, None]
    away = values[list(used)] - np.array(means)[:, None]
    with np.errstate(over="ignore"):  # Where there is next to no spread: such a feature says nothing either.
        logarithms = away * away / (-2.0 * spread) - _HALF_LOG_TAU - constants
    likelihood: Floats = np.where(logarithms > -np.inf, logarithms, 0.0).sum(axis=0)
    return likelihood
