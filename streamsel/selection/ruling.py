"""What rules, quotas and the like make of a micro-batch before the gate ranks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SUPPRESSED = -1.0
"""The rank of an event that may only be asked about by the exploration draw."""
NEVER = -np.inf
"""The rank of an event that is never asked about, whatever the draws."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """Constraints on a micro-batch, known before any draw, so that propensities stay exact."""

    ranks: NDArray[np.float64]
    """(events,): 0 for most; events of a higher rank are asked about before all of a lower one, whatever
    their utilities, as far as the budget reaches. ``SUPPRESSED`` and ``NEVER`` as they say."""
    costs: NDArray[np.float64] | None = None
    """(events,), positive: what asking takes from the budget, in units of the budget. ``None``: 1 each."""
    reasons: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By row, the names of the rules that gave the event a rank other than 0."""
