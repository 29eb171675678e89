"""Gaussian naive Bayes over rows that may grow and have gaps, learned a label at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_LOG_DENSITY = -20.0
"""Of one feature: no single value, however odd, outvotes all the others."""
LEAST_VARIANCE = 1e-300
"""Of a column that says anything; parts of a smaller one would underflow to zero."""


class GaussianNaiveBayes:
    """Class-wise means and variances by Welford's method; every class starts from one event's worth of the
    overall mean and variance, so that a class of one label has both. A column without spread, and a missing
    value, say nothing. (T. F. Chan, G. H. Golub and R. J. LeVeque, The American Statistician 37, 1983.)
    """

    def __init__(self, classes: int) -> None:
        self.labels = np.zeros(classes)
        """Labels learned by class."""
        # One row more than classes: the last is of all labels together.
        self._counts = np.zeros((classes + 1, 0))
        self._means = np.zeros((classes + 1, 0))
        self._squares = np.zeros((classes + 1, 0))

    def learn(self, row: Floats, label: int) -> None:
        """One labelled event; (columns,), at least as wide as the rows before."""
        missing = len(row) - self._counts.shape[1]
        if missing > 0:
            self._counts, self._means, self._squares = (
                np.pad(one, ((0, 0), (0, missing))) for one in (self._counts, self._means, self._squares)
            )
        self.labels[label] += 1.0
        known = ~np.isnan(row)
        both = [label, -1]
        counts = self._counts[both] + known
        means = self._means[both]
        difference = np.where(known, row - means, 0.0)
        means += difference / np.maximum(counts, 1.0)
        self._counts[both], self._means[both] = counts, means
        self._squares[both] += difference * np.where(known, row - means, 0.0)

    def probabilities(self, matrix: Floats) -> Floats:
        """(rows, columns), at least as wide as what was learned, to (rows, classes)."""
        width = self._counts.shape[1]
        variance = self._squares[-1] / np.maximum(self._counts[-1], 1.0)
        used = np.flatnonzero(variance > LEAST_VARIANCE)
        values = matrix[:, :width][:, used]
        whole = not np.isnan(values).any()
        shares = np.log(self.labels + 0.5)
        logs = np.empty((len(matrix), len(self.labels)))
        for which, share in enumerate(shares):
            count = self._counts[which, used]
            mean = (self._means[which, used] * count + self._means[-1, used]) / (count + 1.0)
            spread = (self._squares[which, used] + variance[used] * (1.0 + 0.01 * count)) / (count + 1.0)
            densities = values - mean
            densities *= densities
            with np.errstate(over="ignore"):  # Beyond the least density anyway.
                densities /= -2.0 * spread
            densities -= 0.5 * np.log(spread / variance[used])
            np.maximum(densities, LEAST_LOG_DENSITY, out=densities)
            logs[:, which] = share + (densities if whole else np.nan_to_num(densities)).sum(axis=1)
        logs -= logs.max(axis=1, keepdims=True)
        odds = np.exp(logs)
        probabilities: Floats = odds / odds.sum(axis=1, keepdims=True)
        return probabilities
