"""Where values stand among others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.candidates import Floats

Counts = NDArray[np.intp]


def standing(values: Floats, ladder: Floats) -> tuple[Counts, Counts]:
    """How many of ``ladder``, which is sorted, are below each value, and how many are not above it; both of
    shape (values,)."""
    # Keys in order are found several times as fast.
    order = np.argsort(values)
    keys = values[order]
    below, not_above = np.empty((2, len(values)), np.intp)
    below[order] = ladder.searchsorted(keys)
    not_above[order] = ladder.searchsorted(keys, side="right")
    return below, not_above
