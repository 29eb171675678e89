"""Steps of logistic regression by AdaGrad, for one event or for many, one after the other.

What River's ``LogisticRegression.learn_one`` does to the same objects, up to the last bits, in less time: it
is most of what rebuilding a model from the log takes. Every operation is one that IEEE 754 rounds exactly,
and log odds are exact sums (``math.fsum``), whatever their order. So it makes no difference, not in the last
bit, how events come, or which of them share an array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, fsum, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Encoded = Mapping[str | int, float]

LARGEST_LOGIT = 30.0
"""Where River takes a probability for 0 or 1."""
_LARGEST_EXPONENT = 700.0


def log_odds(regression: Any, encoded: Encoded) -> float:
    """Of one event, by the weights of a River ``LogisticRegression``."""
    weight_of = regression._weights.get  # noqa: SLF001 - the public property copies the whole dictionary
    return fsum([weight_of(name, 0.0) * value for name, value in encoded.items()])


def probability(log_odds: float) -> float:
    """As River's, in [0, 1]."""
    if abs(log_odds) > LARGEST_LOGIT:
        return float(log_odds > 0.0)
    return 1.0 / (1.0 + exp(-log_odds))


def learn(regression: Any, encoded: Encoded, *, target: bool) -> None:
    """One event."""
    weights, optimizer = regression._weights, regression.optimizer  # noqa: SLF001
    rate, eps, totals, weight_of = optimizer.learning_rate, optimizer.eps, optimizer.g2, weights.get
    slope = _slope(log_odds(regression, encoded), target)
    squared, step = slope * slope, rate * slope
    for name, value in encoded.items():
        totals[name] = total = totals[name] + value * value * squared
        weights[name] = weight_of(name, 0.0) - value / sqrt(total + eps) * step
    optimizer.n_iterations += 1


def learn_many(
    regression: Any, names: Sequence[str | int], scores: Floats, asked: Sequence[Floats | None], targets: Any
) -> list[float]:
    """Events of the same numbers: (events, names), 0 for what is missing. Returns the log odds of each event
    ``asked`` about, by what was learned before it: (names,) as it was encoded then."""
    weights, optimizer = regression._weights, regression.optimizer  # noqa: SLF001
    rate, eps, totals = optimizer.learning_rate, optimizer.eps, optimizer.g2
    weight = np.array([weights.get(name, 0.0) for name in names])
    total = np.array([totals[name] for name in names])
    found = []
    own = np.empty_like(weight)
    multiply, add, divide, root = np.multiply, np.add, np.divide, np.sqrt
    for row, squares, question, target in zip(scores, scores * scores, asked, targets, strict=True):
        if question is not None:
            found.append(fsum(multiply(weight, question, own).tolist()))
        slope = _slope(fsum(multiply(weight, row, own).tolist()), target)
        multiply(squares, slope * slope, own)
        add(total, own, total)
        root(add(total, eps, own), own)
        multiply(divide(row, own, own), rate * slope, own)
        np.subtract(weight, own, weight)
    for name, value, square in zip(names, weight.tolist(), total.tolist(), strict=True):
        weights[name], totals[name] = value, square
    optimizer.n_iterations += len(scores)
    return found


def _slope(log_odds: float, target: bool) -> float:
    """Of the log loss by the log odds."""
    if target:
        return -1.0 / (1.0 + exp(min(log_odds, _LARGEST_EXPONENT)))
    return 1.0 / (1.0 + exp(min(-log_odds, _LARGEST_EXPONENT)))
