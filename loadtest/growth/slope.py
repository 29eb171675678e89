"""How a cost grows with a size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

FLAT, LINEAR = 0.1, 1.1
"""Exponents up to which a cost counts as flat, and as at most linear."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A line fitted to costs by size, and the power of the size they go with."""

    per_unit: float
    """What one more unit of size adds, by least squares."""
    exponent: float
    """Of cost ~ size^exponent, by least squares of the logarithms."""
    share: float
    """The part of the cost at the largest size that the smallest one does not have; 0 where that costs as
    much."""

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.exponent <= FLAT:
            return "flat"
        return "at most linear" if self.exponent <= LINEAR else "worse than linear"


def fitted(costs: Mapping[float, float]) -> Growth:
    """``costs`` by size, of two sizes or more; all above zero."""
    sizes, found = np.array(list(costs)), np.array(list(costs.values()))
    per_unit = np.polyfit(sizes, found, 1)[0]
    exponent = np.polyfit(np.log(sizes), np.log(found), 1)[0]
    share = max(1.0 - costs[min(costs)] / costs[max(costs)], 0.0)
    return Growth(float(per_unit), float(exponent), share)
