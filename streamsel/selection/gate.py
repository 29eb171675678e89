"""The gate: which events of a micro-batch are asked about, with exact propensities.

An event is asked about in the *explore* lane when its exploration draw falls below the exploration fraction,
whatever its utility; otherwise in the *uncertain* lane when its utility is above the threshold, the
rolling-window quantile of recent utilities at which just the query fraction is spent. Utilities equal to the
threshold are asked about by a second draw, so that the share is exact even when all utilities are the same
(an unfitted model). The propensity

    π = e + (1 − e)·q,   q = 1 above the threshold, the tie share at it, 0 below

is therefore known exactly for every event, asked about or not. (Variable threshold and randomisation:
I. Žliobaitė et al., Active Learning With Drifting Streaming Data, IEEE TNNLS 2014.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.capacity import QueryRate

NONE, UNCERTAIN, EXPLORE = 0, 1, 2
"""Lane codes in ``GateDecisions.lanes``."""
STRETCH = 500
"""Events over which spending is evened out."""


@dataclass(frozen=True, slots=True)
class GateDecisions:
    """One micro-batch decided. Arrays of shape (events,)."""

    lanes: NDArray[np.int8]
    """``NONE``, ``UNCERTAIN`` or ``EXPLORE``."""
    propensities: NDArray[np.float64]
    threshold: float
    explore_fraction: float
    """The share explored: the rate's, or less where ``explore_room`` left no more."""


def decide(
    utilities: NDArray[np.float64],
    recent: NDArray[np.float64],
    rate: QueryRate,
    explore_draws: NDArray[np.float64],
    tie_draws: NDArray[np.float64],
) -> GateDecisions:
    """Decides a micro-batch.

    ``recent`` holds the utilities of the rolling window, this micro-batch's own included; ``utilities``, the
    draws and the result have shape (events,). Ranking within a window that holds the batch itself bounds
    what a sudden shift can spend.
    """
    # Known before any draw, so that it is the exact propensity of exploration.
    explore = min(rate.explore_fraction, rate.explore_room / max(len(utilities), 1))
    # The uncertain lane gets what exploration leaves of the fraction, over the events it leaves.
    share = max(rate.fraction - explore, 0.0) / (1.0 - explore) if explore < 1.0 else 0.0
    threshold, tie = _threshold(recent, share * len(recent))
    room = max(round(rate.room - explore * len(utilities)), 0)
    if np.count_nonzero(utilities >= threshold) > room:
        # Only so many may enter. Ranked without regard to the draws, so that propensities stay exact.
        narrower, narrower_tie = _threshold(utilities, float(room))
        if narrower > threshold or (narrower == threshold and narrower_tie < tie):
            threshold, tie = narrower, narrower_tie
    chance = np.where(utilities > threshold, 1.0, np.where(utilities == threshold, tie, 0.0))
    lanes = np.where(tie_draws < chance, UNCERTAIN, NONE).astype(np.int8)
    lanes[explore_draws < explore] = EXPLORE
    return GateDecisions(lanes, explore + (1.0 - explore) * chance, threshold, explore)


def _threshold(values: NDArray[np.float64], wanted: float) -> tuple[float, float]:
    """The value t and the tie share s with ``#(values > t) + s · #(values == t) == wanted``."""
    count = len(values)
    if wanted <= 0.0 or count == 0:
        return float("inf"), 0.0
    wanted = min(wanted, float(count))
    rank = int(np.ceil(wanted))
    threshold = float(np.partition(values, count - rank)[count - rank])
    above = int(np.count_nonzero(values > threshold))
    equal = int(np.count_nonzero(values == threshold))
    return threshold, (wanted - above) / equal


class Gate:
    """``decide`` with its rolling window and its accounts of what was spent.

    A trailing quantile underspends while a model grows surer of itself, and overspends when it is suddenly
    unsure. Two accounts, in queries, mend that:

    - the *debt*: what the fractions so far allowed, less what was asked. The share is raised or lowered
      exponentially by it, so that in the long run just the fraction is spent, whatever the utilities do
      (I. Gibbs and E. Candès, Adaptive Conformal Inference Under Distribution Shift, NeurIPS 2021, steer the
      level of a quantile so).
    - the *surge*: a leaky bucket that holds half a stretch's queries and drains at one and a half times the
      fraction, so that no stretch of events spends more than twice its share, but for the luck of the draws
      and the grain of large micro-batches (J. S. Turner, New Directions in Communications, 1986).
    """

    def __init__(self, window: int = 500) -> None:
        if window < 1:
            raise ValueError(f"window must be at least 1 event, not {window}")
        self._window = window
        self._recent = np.empty(0)
        self._debt = 0.0
        self._surge = 0.0

    def decide(
        self,
        utilities: NDArray[np.float64],
        rate: QueryRate,
        explore_draws: NDArray[np.float64],
        tie_draws: NDArray[np.float64],
    ) -> GateDecisions:
        """Decides a micro-batch and remembers its utilities and what it spent."""
        count = len(utilities)
        self._recent = np.concatenate((self._recent, utilities))[-max(self._window, count) :]
        # Debt from before a change of capacity is forgotten: only what two stretches could mend counts.
        most_debt = max(2.0 * STRETCH * rate.fraction, 1.0)
        debt = min(max(self._debt, -most_debt), most_debt)
        most_surge = max(0.5 * STRETCH * rate.fraction, 1.0)
        surge = min(self._surge, most_surge) - 1.5 * rate.fraction * count
        corrected = replace(
            rate,
            fraction=min(max(rate.fraction * math.exp(4.0 * debt / most_debt), rate.explore_fraction), 1.0),
            room=min(rate.room, int(most_surge - surge)),
        )
        decisions = decide(utilities, self._recent, corrected, explore_draws, tie_draws)
        asked = int(np.count_nonzero(decisions.lanes))
        self._debt = debt + rate.fraction * count - asked
        self._surge = max(surge + asked, 0.0)
        return decisions
