"""How good predictions were, each made before its event's label could be known (prequential).

A. P. Dawid, Statistical Theory: The Prequential Approach, Journal of the Royal Statistical Society A, 1984.
With two labels the second is the positive one, and precision, recall, F1 and average precision are its own;
with more, each label in turn is held against the others and the mean is taken over those that occur (macro,
one against the rest). An event for which nothing was known counts as predicted evenly, and thus as the first
label.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from streamsel.backtest.trace import Floats, Integers

_Measure: TypeAlias = Callable[[NDArray[np.bool_], Floats], float]
"""Of one label: where it occurs, and how probable it was said to be."""

WINDOW = 1_000
"""Events in a window of ``windowed_roc_auc``, at least."""
_LEAST = 1e-15
"""A probability of 0 that was wrong costs log loss as much as this."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Measured on some events. NaN where there is nothing to measure on."""

    accuracy: float
    balanced_accuracy: float
    """Mean recall of the labels that occur."""
    precision: float
    recall: float
    f1: float
    roc_auc: float
    average_precision: float
    log_loss: float
    """Nats an event."""
    windowed_roc_auc: float
    """Mean of ``roc_auc`` over consecutive windows in which labels differ: what drift does to the scale of
    probabilities from window to window does not count."""


def score(truth: Integers, probabilities: Floats) -> Scores:
    """Predictions of shape (events, classes) against class indices of shape (events,), in arrival order."""
    if len(truth) == 0:
        return Scores(*[float("nan")] * 9)
    known = settled(probabilities)
    predicted = known.argmax(axis=1)
    precision, recall, f1 = _of_labels(truth, predicted, known.shape[1])
    occurs = np.bincount(truth, minlength=known.shape[1]) > 0
    return Scores(
        accuracy=float((predicted == truth).mean()),
        balanced_accuracy=float(recall[occurs].mean()),
        precision=_reported(precision),
        recall=_reported(recall),
        f1=_reported(f1),
        roc_auc=roc_auc(truth, known),
        average_precision=average_precision(truth, known),
        log_loss=float(-np.log(np.maximum(known[np.arange(len(truth)), truth], _LEAST)).mean()),
        windowed_roc_auc=windowed_roc_auc(truth, known),
    )


def settled(probabilities: Floats) -> Floats:
    """Rows that are no distribution (NaN, or summing to 0) replaced by an even one."""
    known = np.isfinite(probabilities).all(axis=1) & (probabilities.sum(axis=1) > 0.0)
    return np.where(known[:, None], probabilities, 1.0 / probabilities.shape[1])


def roc_auc(truth: Integers, probabilities: Floats) -> float:
    """Chance that an event of a label was given a higher probability of it than one of another label, ties
    counting half (J. A. Hanley and B. J. McNeil, Radiology, 1982)."""
    return _mean_over_labels(truth, probabilities, _roc_auc)


def average_precision(truth: Integers, probabilities: Floats) -> float:
    """Area under precision over recall, as steps; events of equal probability come together (W. Su, Y. Yuan
    and M. Zhu, ICTIR 2015)."""
    return _mean_over_labels(truth, probabilities, _average_precision)


def windowed_roc_auc(truth: Integers, probabilities: Floats) -> float:
    """Mean of ``roc_auc`` over equal windows of at least ``WINDOW`` events, or all; NaN when labels differ in
    none."""
    windows = np.array_split(np.arange(len(truth)), max(len(truth) // WINDOW, 1))
    return _mean(np.array([roc_auc(truth[window], probabilities[window]) for window in windows]))


def _of_labels(truth: Integers, predicted: Integers, labels: int) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of every label; NaN for one that neither occurs nor was predicted."""
    confusion = np.zeros((labels, labels))
    np.add.at(confusion, (truth, predicted), 1.0)
    hits, occurred, said = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    absent = np.where((occurred == 0) & (said == 0), np.nan, 0.0)
    precision = absent + hits / np.maximum(said, 1)
    recall = absent + hits / np.maximum(occurred, 1)
    return precision, recall, absent + 2 * hits / np.maximum(occurred + said, 1)


def _reported(by_label: Floats) -> float:
    return float(by_label[1]) if len(by_label) == 2 else _mean(by_label)


def _mean_over_labels(truth: Integers, probabilities: Floats, measure: _Measure) -> float:
    labels = [1] if probabilities.shape[1] == 2 else list(range(probabilities.shape[1]))
    return _mean(np.array([measure(truth == label, probabilities[:, label]) for label in labels]))


def _roc_auc(positive: NDArray[np.bool_], probabilities: Floats) -> float:
    positives = int(np.count_nonzero(positive))
    negatives = len(positive) - positives
    if not positives or not negatives:
        return float("nan")
    _, tied, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[tied]
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _average_precision(positive: NDArray[np.bool_], probabilities: Floats) -> float:
    if not positive.any():
        return float("nan")
    order = np.argsort(-probabilities, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(probabilities[order])), len(order) - 1)
    hits = np.cumsum(positive[order])[ends]
    return float((np.diff(hits, prepend=0) / hits[-1] * hits / (ends + 1)).sum())


def _mean(values: Floats) -> float:
    """Of those that could be measured; NaN when none could."""
    measured = values[~np.isnan(values)]
    return float(measured.mean()) if len(measured) else float("nan")
