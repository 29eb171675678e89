"""Means over seeds, and their intervals (Student, The Probable Error of a Mean, Biometrika, 1908)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_T_QUANTILES = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145),
    *(2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048),
)
"""Of 0.975, for 1 to 28 degrees of freedom; beyond, 1.96 + 2.4 / degrees is as near."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % confidence interval; without one (NaN) for fewer than two values."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float]) -> Interval:
    """Of values from independent runs; those that could not be measured (NaN) are left out."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Interval(math.nan, math.nan, math.nan)
    mean = math.fsum(known) / len(known)
    degrees = len(known) - 1
    if degrees < 1:
        return Interval(mean, math.nan, math.nan)
    quantile = _T_QUANTILES[degrees - 1] if degrees <= len(_T_QUANTILES) else 1.96 + 2.4 / degrees
    half = quantile * float(np.std(known, ddof=1)) / math.sqrt(len(known))
    return Interval(mean, mean - half, mean + half)


def points(change: Interval) -> str:
    """A difference of shares in percentage points."""
    said = f"{100 * change.mean:+.2f} points"
    if math.isnan(change.low):
        return said
    return f"{said} (95 % interval {100 * change.low:+.2f} to {100 * change.high:+.2f})"
