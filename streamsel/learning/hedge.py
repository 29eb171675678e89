"""One opinion from several, weighed by how well each has lately predicted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEARNING_RATE = 0.5
FADE = 0.98
"""What a loss still counts for after one more label: the last fifty or so decide."""
FLOOR = 0.02
"""Least weight of a member, so that one the stream has turned towards is back after a few labels."""
SMOOTHING = 0.02
"""How much of every member is an even chance, so that no single mistake costs more than a few nats."""


class Hedge:
    """Weights ∝ exp(−η × faded sum of log losses), with a floor. (Y. Freund and R. E. Schapire, A
    Decision-Theoretic Generalization of On-Line Learning, JCSS 55, 1997.)

    A member without an opinion on an event, its row being NaN, is left out for that event and neither gains
    nor loses by it. (Y. Freund et al., Using and Combining Predictors That Specialize, STOC 1997.)
    """

    def __init__(self, members: int, classes: int) -> None:
        self.classes = classes
        self._losses = np.zeros(members)

    @property
    def weights(self) -> Floats:
        """(members,), summing to 1."""
        shares = np.exp(-LEARNING_RATE * (self._losses - self._losses.min()))
        floor = min(FLOOR, 1.0 / len(shares))
        weights: Floats = floor + (1.0 - floor * len(shares)) * shares / shares.sum()
        return weights

    def mix(self, members_probabilities: Floats) -> Floats:
        """(members, events, classes) to (events, classes). A row is NaN where no member has an opinion."""
        known = ~np.isnan(members_probabilities[:, :, 0])
        weights = self.weights[:, None] * known
        totals = weights.sum(axis=0)
        weights /= np.where(totals > 0.0, totals, np.nan)
        mixed: Floats = np.einsum("me,mec->ec", weights, np.nan_to_num(members_probabilities))
        return (1.0 - SMOOTHING) * mixed + SMOOTHING / self.classes

    def learn(self, members_probabilities: Floats, y: int) -> None:
        """What each member had predicted for one event, (members, classes), and the index of its label."""
        said = (1.0 - SMOOTHING) * members_probabilities[:, y] + SMOOTHING / self.classes
        silent = np.isnan(said)
        if silent.any():
            said[silent] = 1.0 if silent.all() else self.mix(members_probabilities[:, None, :])[0, y]
        self._losses *= FADE
        self._losses -= np.log(said)
