"""How well probabilities put events in order, from the answers alone, each weighed by 1 / propensity.

These are no sums over events, so what the model expects of the others does not enter: the weights make the
answers stand for all events (J. Hájek's ratio, 1971). Intervals are those of the Bayesian bootstrap (D. B.
Rubin, Annals of Statistics 1981), with draws that are always the same; they are wide where all were asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.evaluation.aipw import LEAST_ANSWERS, Answers, Estimate
from streamsel.learning.evaluation.sums import Floats

MOST_ANSWERS = 5_000
"""The last ones of a window, and those alone, are ranked."""
_DRAWS = 100


def ranked(answers: Answers, weights: Floats) -> dict[str, Estimate]:
    """``roc_auc`` and ``average_precision``, as the backtest measures them; of more than two labels the mean
    over those that occur, each against the others."""
    labels = answers.probabilities.shape[1]
    of = [_Ranking(answers, label) for label in ([1] if labels == 2 else range(labels))]
    return {
        "roc_auc": bootstrapped(lambda drawn: _mean([one.roc_auc(drawn) for one in of]), weights),
        "average_precision": bootstrapped(
            lambda drawn: _mean([one.average_precision(drawn) for one in of]), weights
        ),
    }


def bootstrapped(measure: Callable[[Floats], float], weights: Floats) -> Estimate:
    """A measure of weighed answers, with an interval."""
    value = measure(weights)
    if math.isnan(value) or len(weights) < LEAST_ANSWERS:
        return Estimate(value)
    rng = np.random.default_rng(0)
    drawn = [measure(weights * rng.exponential(size=len(weights))) for _ in range(_DRAWS)]
    # Measured from the value, not the middle of the draws: what they are off by on the whole is no error.
    spread = np.array(drawn) - np.nanmean(drawn)
    low, high = np.nanquantile(spread, (0.025, 0.975))
    return Estimate(value, value + float(low), value + float(high)).within(0.0, 1.0)


class _Ranking:
    """Answers by falling probability of one label; those of equal probability together."""

    def __init__(self, answers: Answers, label: int) -> None:
        said = answers.probabilities[:, label]
        self._order = np.argsort(-said, kind="stable")
        sorted_ = said[self._order]
        self._ends: NDArray[np.intp] = np.append(np.flatnonzero(np.diff(sorted_)), len(sorted_) - 1)
        self._positive = answers.truth[self._order] == label

    def roc_auc(self, weights: Floats) -> float:
        """Ties count half."""
        hits, misses = self._course(weights)
        if not len(hits) or hits[-1] <= 0.0 or misses[-1] <= 0.0:
            return math.nan
        return float(np.trapezoid(np.append(0.0, hits), np.append(0.0, misses)) / (hits[-1] * misses[-1]))

    def average_precision(self, weights: Floats) -> float:
        """As steps."""
        hits, misses = self._course(weights)
        if not len(hits) or hits[-1] <= 0.0:
            return math.nan
        precision = hits / np.maximum(hits + misses, 1e-300)
        return float((np.diff(hits, prepend=0.0) * precision).sum() / hits[-1])

    def _course(self, weights: Floats) -> tuple[Floats, Floats]:
        """Weight of events with the label, and of others, down to each probability."""
        if not len(self._order):
            return np.zeros(0), np.zeros(0)
        ordered = weights[self._order]
        hits = np.cumsum(np.where(self._positive, ordered, 0.0))
        return hits[self._ends], (np.cumsum(ordered) - hits)[self._ends]


def _mean(values: list[float]) -> float:
    told = [value for value in values if not math.isnan(value)]
    return sum(told) / len(told) if told else math.nan
