"""A smooth classifier fitted to a small window of labels: least squares in a Gaussian kernel's space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTHS = (0.35, 0.7, 1.4)
"""Of the kernel, in median distances between events of the window."""
RIDGES = (0.03, 0.3, 3.0)
SCALES = np.array([0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0])
"""Candidates for what turns scores into log odds."""
LARGEST_SCORE = 4.0


class _Fit(NamedTuple):
    loss: float
    width: float
    decay: float
    coefficients: Floats
    left_out: Floats
    """(rows, classes): each row's score by a fit without it."""


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
        best = self._best(targets - self._offsets, widths)
        self.width = best.width
        self._decay = best.decay
        self._coefficients = best.coefficients
        places = np.searchsorted(self._present, labels)
        self._scale = _fitted_scale(best.left_out + self._offsets, places)

    def probabilities(self, matrix: Floats) -> Floats:
        """(rows, columns), at least as wide as what was fitted, to (rows, classes)."""
        distances = _squared_distances(self._standardised(matrix), self._points)
        distances *= -self._decay
        scores = np.exp(distances, out=distances) @ self._coefficients + self._offsets
        probabilities = np.zeros((len(matrix), self._classes))
        probabilities[:, self._present] = _softmax(self._scale * scores)
        return probabilities

    def _standardised(self, matrix: Floats) -> Floats:
        points = (matrix[:, self._used] - self._means) * self._scales
        bounded: Floats = np.clip(np.nan_to_num(points), -LARGEST_SCORE, LARGEST_SCORE)
        return bounded * self._relevance

    def _best(self, targets: Floats, widths: Sequence[float]) -> _Fit:
        distances = _squared_distances(self._points, self._points)
        typical = max(float(np.median(distances)), 1e-9)
        fits = []
        for width in widths:
            decay = 1.0 / (2.0 * typical * width**2)
            values, vectors = np.linalg.eigh(np.exp(-decay * distances))
            rotated = vectors.T @ targets
            for ridge in RIDGES:
                inverse = 1.0 / (np.maximum(values, 0.0) + ridge)
                coefficients = vectors @ (inverse[:, None] * rotated)
                residuals = coefficients / ((vectors**2) @ inverse)[:, None]
                fits.append(
                    _Fit(float((residuals**2).sum()), width, decay, coefficients, targets - residuals)
                )
        return min(fits, key=lambda fit: fit.loss)


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
