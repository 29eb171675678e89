"""Running means and variances of numbers by name, alike whether events come one at a time or many at once.

Everything is a sum of differences from the first value of its name, added up in the events' order: one
addition after the other, or all by ``np.cumsum``, which adds in the same order, comes to the same to the last
bit. The first value is one of the sample, so the square of its distance from the mean is at most as many
variances as there are values: of n values the variance loses log10(n) digits, wherever they lie. (T. F. Chan,
G. H. Golub and R. J. LeVeque, Algorithms for Computing the Sample Variance, The American Statistician 37,
1983: shifted data.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Moment(NamedTuple):
    """Of one name."""

    origin: float
    """The first value."""
    events: int
    total: float
    """Of the values' differences from the origin."""
    squares: float
    """Of these differences."""

    @property
    def mean(self) -> float:
        """Less the origin."""
        return self.total / self.events

    @property
    def deviation(self) -> float:
        """0 for a number that has been constant."""
        variance = self.squares / self.events - self.mean * self.mean
        return sqrt(variance) if variance > 0.0 else 0.0


UNKNOWN = Moment(0.0, 1, 0.0, 0.0)
"""Of a name that was never met."""


class Moments:
    """Numbers within ±1e100 by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, tuple[float, int, float, float]] = {}
        """As in ``Moment``; plain, as making one for each number takes most of the time."""

    def of(self, name: str) -> Moment:
        """Of a name, known or not."""
        return Moment(*self.by_name[name]) if name in self.by_name else UNKNOWN

    def learn(self, numbers: Mapping[str, float]) -> None:
        """One event's numbers."""
        by_name = self.by_name
        for name, value in numbers.items():
            known = by_name.get(name)
            if known is None:
                by_name[name] = (value, 1, 0.0, 0.0)
            else:
                origin, events, total, squares = known
                difference = value - origin
                by_name[name] = (origin, events + 1, total + difference, squares + difference * difference)

    def scores(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """How many deviations above the mean each lies; without those that were never met or are constant."""
        by_name = self.by_name
        scores = {}
        for name, value in numbers.items():
            known = by_name.get(name)
            if known is not None:
                origin, events, total, squares = known
                mean = total / events
                variance = squares / events - mean * mean
                if variance > 0.0:
                    scores[name] = (value - origin - mean) / sqrt(variance)
        return scores

    def learn_many(self, names: Sequence[str], matrix: Floats) -> tuple[Floats, Floats]:
        """(events, names), NaN for what is missing: learned row by row. Returns the standard scores of each
        row by the moments before it and by those with it, both of the same shape; 0 for what is missing or
        has been constant."""
        missing = np.isnan(matrix)
        before = [self.by_name.get(name) for name in names]
        firsts = matrix[(~missing).argmax(axis=0), np.arange(len(names))]
        origins = np.where(
            [one is None for one in before], firsts, [0.0 if one is None else one[0] for one in before]
        )
        start = np.array([(0, 0.0, 0.0) if one is None else one[1:] for one in before]).T
        differences = np.where(missing, 0.0, matrix - origins)
        counts, totals, squares = (
            np.cumsum(np.vstack((first, added)), axis=0)
            for first, added in zip(start, (~missing, differences, differences * differences), strict=True)
        )
        for place, name in enumerate(names):
            if counts[-1, place]:
                self.by_name[name] = (
                    origins.item(place),
                    int(counts[-1, place]),
                    totals.item(-1, place),
                    squares.item(-1, place),
                )
        with np.errstate(invalid="ignore", divide="ignore"):
            means = totals / counts
            deviations = np.sqrt(np.maximum(squares / counts - means * means, 0.0))
            scores = [
                np.where(missing | ~(spread > 0.0), 0.0, (differences - mean) / spread)
                for mean, spread in ((means[:-1], deviations[:-1]), (means[1:], deviations[1:]))
            ]
        return scores[0], scores[1]
