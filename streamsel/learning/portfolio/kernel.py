"""A smooth classifier fitted to a small window of labels: least squares in a Gaussian kernel's space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

Floats = NDArray[np.float64]

WIDTHS: Sequence[float] = (0.35, 0.7, 1.4)
"""Of the kernel, in median distances between events of the window."""
RIDGES: Sequence[float] = (0.03, 0.3, 3.0)
SCALES = np.array([0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0])
"""Candidates for what turns scores into log odds."""
LARGEST_SCORE = 4.0
LEFT_OUT = 200
"""Rows, the last ones, that are left out in turn to see how well a fit without them predicts them."""
TYPICAL_ROWS = 100
"""By whose distances to all rows the median is taken."""


class _Fit(NamedTuple):
    loss: float
    width: float
    ridge: float
    decay: float
    coefficients: Floats
    left_out: Floats
    """(last rows, classes): each row's score by a fit without it."""


class KernelMachine:
    """One-vs-rest kernel ridge regression on standardised rows (J. A. K. Suykens and J. Vandewalle, Least
    Squares Support Vector Machine Classifiers, 1999). Width and ridge are those with the least
    leave-one-out error, which has a closed form (R. M. Rifkin and R. A. Lippert, Notes on Regularized Least
    Squares, 2007); the scale of the softmax over the scores is fitted to the left-out scores.

    What is missing counts as average.
    """

    def __init__(
        self,
        matrix: Floats,
        labels: NDArray[np.int64],
        classes: int,
        widths: Sequence[float] = WIDTHS,
        ridges: Sequence[float] = RIDGES,
        relevance: Floats | None = None,
    ) -> None:
        """Fits (rows, columns) to class indices, of which two or more must occur. By a column's ``relevance``
        (columns,) its differences count in the distance; all count alike without."""
        with np.errstate(invalid="ignore"):
            known = ~np.isnan(matrix)
            counts = np.maximum(known.sum(axis=0), 1)
            means = np.where(known, matrix, 0.0).sum(axis=0) / counts
            deviations = np.sqrt((np.where(known, matrix - means, 0.0) ** 2).sum(axis=0) / counts)
        self._used = np.flatnonzero(deviations > 1e-9 * np.abs(means))
        self._means = means[self._used]
        self._scales = 1.0 / deviations[self._used]
        self._relevance = np.ones(len(self._used)) if relevance is None else relevance[self._used]
        self._present = np.unique(labels)
        self._classes = classes
        self._points = self._standardised(matrix)
        targets = np.where(labels[:, None] == self._present, 1.0, -1.0 / (len(self._present) - 1))
        self._offsets = targets.mean(axis=0)
        best = self._best(targets - self._offsets, widths, ridges)
        self.width, self.ridge = best.width, best.ridge
        self._decay = best.decay
        self._coefficients = best.coefficients
        places = np.searchsorted(self._present, labels)
        self._scale = _fitted_scale(best.left_out + self._offsets, places[-LEFT_OUT:])

    def probabilities(self, matrix: Floats) -> Floats:
        """(rows, columns), at least as wide as what was fitted, to (rows, classes)."""
        distances = _squared_distances(self._standardised(matrix), self._points)
        distances *= -self._decay
        return self._shares(np.exp(distances, out=distances) @ self._coefficients)

    def probabilities_each(self, matrix: Floats) -> Floats:
        """As ``probabilities``, but each row's are the same to the last bit whatever rows are beside it: a
        matrix product rounds otherwise for more rows."""
        rows = self._standardised(matrix)
        kernels = [np.exp(-self._decay * ((self._points - row) ** 2).sum(axis=1)) for row in rows]
        return self._shares(np.array([kernel @ self._coefficients for kernel in kernels]))

    def _shares(self, scores: Floats) -> Floats:
        probabilities = np.zeros((len(scores), self._classes))
        probabilities[:, self._present] = _softmax(self._scale * (scores + self._offsets))
        return probabilities

    def _standardised(self, matrix: Floats) -> Floats:
        points = (matrix[:, self._used] - self._means) * self._scales
        bounded: Floats = np.clip(np.nan_to_num(points), -LARGEST_SCORE, LARGEST_SCORE)
        return bounded * self._relevance

    def _best(self, targets: Floats, widths: Sequence[float], ridges: Sequence[float]) -> _Fit:
        distances = _squared_distances(self._points, self._points)
        typical = max(float(np.median(distances[:TYPICAL_ROWS])), 1e-9)
        fits = []
        for width in widths:
            decay = 1.0 / (2.0 * typical * width**2)
            kernel = np.exp(-decay * distances)
            for ridge in ridges:
                coefficients, variances = _solved(kernel, ridge, targets)
                residuals = coefficients[-LEFT_OUT:] / variances[:, None]
                loss = float((residuals**2).sum())
                left_out = targets[-LEFT_OUT:] - residuals
                fits.append(_Fit(loss, width, ridge, decay, coefficients, left_out))
        return min(fits, key=lambda fit: fit.loss)


def _solved(kernel: Floats, ridge: float, targets: Floats) -> tuple[Floats, Floats]:
    """The inverse of kernel + ridge times ``targets``, and the last ``LEFT_OUT`` of that inverse's diagonal:
    they follow from the last corner of Cholesky's factor alone."""
    factor = lapack.dpotrf((kernel + ridge * np.eye(len(kernel))).T, lower=1, overwrite_a=1)[0]
    corner = lapack.dtrtri(factor[-LEFT_OUT:, -LEFT_OUT:], lower=1)[0]
    coefficients = lapack.dpotrs(factor, targets, lower=1)[0]
    return np.ascontiguousarray(coefficients), (corner**2).sum(axis=0)


def _squared_distances(rows: Floats, points: Floats) -> Floats:
    """(rows, points), in double precision: scores magnify what is lost in single, and an event would be
    scored a little differently in every micro-batch."""
    distances: Floats = rows @ points.T
    distances *= -2.0
    distances += (points**2).sum(axis=1)
    distances += (rows**2).sum(axis=1)[:, None]
    return np.maximum(distances, 0.0, out=distances)


def _fitted_scale(scores: Floats, places: NDArray[np.int64]) -> float:
    """The candidate with the least log loss; in doubt the smaller."""
    own = np.arange(len(scores))
    losses = [
        -np.log(np.maximum(_softmax(scale * scores)[own, places], 1e-12)).mean() + 1e-3 * scale
        for scale in SCALES
    ]
    return float(SCALES[int(np.argmin(losses))])


def _softmax(scores: Floats) -> Floats:
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: Floats = odds / odds.sum(axis=1, keepdims=True)
    return probabilities
