"""Running means and variances of many numbers, a micro-batch at a time."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.candidates import Floats

LARGEST_NUMBER = 1e100
"""Larger numbers are taken for this one: their squares would overflow."""


Columns: TypeAlias = NDArray[np.intp] | slice


def as_slice(columns: NDArray[np.intp]) -> Columns:
    """The same columns; where they stand side by side as a slice, which need not be copied."""
    first = int(columns[0]) if len(columns) else 0
    stop = first + len(columns)
    return slice(first, stop) if np.array_equal(columns, np.arange(first, stop)) else columns


class Moments:
    """Count, mean and sum of squared deviations of each number so far. (T. F. Chan, G. H. Golub and R. J.
    LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, COMPSTAT 1982.)"""

    def __init__(self, size: int) -> None:
        self._counts, self._means, self._squares, self._scales = np.zeros((4, size))

    def grow(self, size: int) -> None:
        """Makes room for at least ``size`` numbers."""
        missing = size - len(self._counts)
        if missing > 0:
            # Doubled, so that names coming one by one are not copied each time.
            room = (0, max(missing, len(self._counts)))
            self._counts, self._means, self._squares, self._scales = (
                np.pad(known, room) for known in (self._counts, self._means, self._squares, self._scales)
            )

    def learn(self, values: Floats, which: Columns) -> None:
        """Counts ``values`` (rows, numbers) in, as the numbers ``which``, none twice. NaN is none."""
        values = _bounded(values)
        missing = np.isnan(values)
        some_missing = bool(missing.any())
        present = len(values) - missing.sum(axis=0, dtype=np.float64) if some_missing else float(len(values))
        filled = np.where(missing, 0.0, values) if some_missing else values
        means = filled.sum(axis=0) / np.maximum(present, 1.0)
        deviations = values - means
        if some_missing:
            deviations[missing] = 0.0
        squares = np.einsum("rn,rn->n", deviations, deviations)

        before, old = self._counts[which], self._means[which]
        counts = before + present
        share = present / np.maximum(counts, 1.0)
        shift = means - old
        mean = old + shift * share
        total = self._squares[which] + squares + shift * shift * before * share
        self._counts[which], self._means[which], self._squares[which] = counts, mean, total

        variance = total / np.maximum(counts, 1.0)
        # Below that, it is nothing but the rounding of a constant.
        varies = variance > np.maximum((1e-12 * mean) ** 2, 1e-200)
        self._scales[which] = np.where(varies, 1.0 / np.sqrt(np.where(varies, variance, 1.0)), 0.0)

    def standardised(self, values: Floats, which: Columns) -> Floats:
        """The distances of ``values`` (rows, numbers) from the means so far, in standard deviations, perhaps
        infinite. NaN gives 0, as does a number that has been constant."""
        # What is too large for a float is infinitely far away, or, of a constant, NaN.
        with np.errstate(over="ignore", invalid="ignore"):
            standardised: Floats = values - self._means[which]
            standardised *= self._scales[which]
        missing = np.isnan(standardised)
        if missing.any():
            standardised[missing] = 0.0
        return standardised


def _bounded(values: Floats) -> Floats:
    if np.abs(values).max(initial=0.0) <= LARGEST_NUMBER:
        return values
    return np.clip(values, -LARGEST_NUMBER, LARGEST_NUMBER)
