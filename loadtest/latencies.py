"""Latencies as high-dynamic-range histograms: three digits kept from a microsecond to a minute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

SHORTEST_US, LONGEST_US, DIGITS = 1, 60_000_000, 3
PLOTTED = (0.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 100.0)


class Latencies:
    """Latencies of one or several runs, in seconds as they come in and milliseconds as they come out."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(SHORTEST_US, LONGEST_US, DIGITS)

    def record(self, seconds: NDArray[np.float64]) -> None:
        """Adds some; one below the shortest counts as the shortest, one above the longest as the longest."""
        rounded = np.clip(np.rint(seconds * 1e6), SHORTEST_US, LONGEST_US).astype(np.int64)
        values, counts = np.unique(rounded, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            self._histogram.record_value(value, count)

    @property
    def count(self) -> int:
        return int(self._histogram.get_total_count())

    def ms(self, percent: float) -> float:
        """The percentile, in milliseconds."""
        return round(float(self._histogram.get_value_at_percentile(percent)) / 1e3, 3)

    def plotted(self) -> Sequence[tuple[float, float]]:
        """(percent, milliseconds), for a plot of percentiles."""
        return [(percent, self.ms(percent)) for percent in PLOTTED]


def percentile_ms(seconds: NDArray[np.float64], percent: float) -> float:
    """Of one run; 0 for one in which nothing was recorded."""
    latencies = Latencies()
    latencies.record(seconds)
    return latencies.ms(percent)
