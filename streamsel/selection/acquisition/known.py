"""Where a prediction says nothing, every event is worth asking about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.candidates import Floats


def distributions(probabilities: Floats) -> NDArray[np.bool_]:
    """Which vectors along the last axis say something: finite throughout, and not all zero."""
    # A NaN or an infinity anywhere makes the sum one.
    totals = np.einsum("...c->...", probabilities)
    known: NDArray[np.bool_] = np.isfinite(totals) & (totals > 0.0)
    return known


def settled(utilities: Floats, probabilities: Floats) -> Floats:
    """Clips rounding away; events whose prediction is no distribution get 1."""
    known = distributions(probabilities)
    utilities = np.minimum(np.maximum(utilities, 0.0), 1.0)
    return utilities if known.all() else np.where(known, utilities, 1.0)
