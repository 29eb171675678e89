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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.capacity import QueryRate

NONE, UNCERTAIN, EXPLORE = 0, 1, 2
"""Lane codes in ``GateDecisions.lanes``."""


@dataclass(frozen=True, slots=True)
class GateDecisions:
    """One micro-batch decided. Arrays of shape (events,)."""

    lanes: NDArray[np.int8]
    """``NONE``, ``UNCERTAIN`` or ``EXPLORE``."""
    propensities: NDArray[np.float64]
    threshold: float


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
    explore = rate.explore_fraction
    # The uncertain lane gets what exploration leaves of the fraction, over the events it leaves.
    share = max(rate.fraction - explore, 0.0) / (1.0 - explore) if explore < 1.0 else 0.0
    threshold, tie = _threshold(recent, share * len(recent))
    if np.count_nonzero(utilities >= threshold) > rate.room:
        # Only so many may enter. Ranked without regard to the draws, so that propensities stay exact.
        narrower, narrower_tie = _threshold(utilities, float(rate.room))
        if narrower > threshold or (narrower == threshold and narrower_tie < tie):
            threshold, tie = narrower, narrower_tie
    chance = np.where(utilities > threshold, 1.0, np.where(utilities == threshold, tie, 0.0))
    lanes = np.where(tie_draws < chance, UNCERTAIN, NONE).astype(np.int8)
    lanes[explore_draws < explore] = EXPLORE
    return GateDecisions(lanes, explore + (1.0 - explore) * chance, threshold)


def _threshold(values: NDArray[np.float64], wanted: float) -> tuple[float, float]:
    """The value t and the tie share s with ``#(values > t) + s · #(values == t) == wanted``."""
    count = len(values)
    if wanted <= 0.0 or count == 0:
        return float("inf"), 0.0
    if wanted >= count:
        return float("-inf"), 1.0
    rank = min(int(np.ceil(wanted)), count)
    threshold = float(np.partition(values, count - rank)[count - rank])
    above = int(np.count_nonzero(values > threshold))
    equal = int(np.count_nonzero(values == threshold))
    return threshold, (wanted - above) / equal


class Gate:
    """``decide`` with its rolling window and its account of what was spent.

    A trailing quantile underspends while a model grows surer of itself, so the fraction is corrected by the
    debt: what the fractions so far allowed, less what was asked, over one window; at most doubled.
    """

    def __init__(self, window: int = 2_000) -> None:
        if window < 1:
            raise ValueError(f"window must be at least 1 event, not {window}")
        self._window = window
        self._recent = np.empty(0)
        self._debt = 0.0

    def decide(
        self,
        utilities: NDArray[np.float64],
        rate: QueryRate,
        explore_draws: NDArray[np.float64],
        tie_draws: NDArray[np.float64],
    ) -> GateDecisions:
        """Decides a micro-batch and remembers its utilities and what it spent."""
        self._recent = np.concatenate((self._recent, utilities))[-max(self._window, len(utilities)) :]
        decisions = decide(utilities, self._recent, self._corrected(rate), explore_draws, tie_draws)
        asked = int(np.count_nonzero(decisions.lanes))
        owed = self._debt + rate.fraction * len(utilities) - asked
        # Debt from before a change of capacity is forgotten: only what one window could still mend counts.
        bound = max(rate.fraction * self._window, 1.0)
        self._debt = min(max(owed, -bound), bound)
        return decisions

    def _corrected(self, rate: QueryRate) -> QueryRate:
        corrected = rate.fraction + self._debt / self._window
        return QueryRate(
            fraction=min(max(corrected, rate.explore_fraction), 2.0 * rate.fraction, 1.0),
            explore_fraction=rate.explore_fraction,
            room=rate.room,
        )
