"""Two stages of scoring: quick members screen a micro-batch, all members score what they are least sure of.

Whether an event is asked about for its uncertainty is decided among the most uncertain few, so the slow
members' opinions are worth their time on those alone. The others keep the quick members' mixture, and that is
what is recorded and served for them.
"""

from __future__ import annotations

import math

import numpy as np

from streamsel.learning.mixture import Floats, Mixture
from streamsel.learning.scorer import MixtureScorer, Opinions
from streamsel.records import FeatureTable


class ScreenedScorer(MixtureScorer):
    """By all members for a share of every micro-batch, by the quick ones for the rest, on which the slow ones
    have no opinion. Before there are two labels, by all."""

    def __init__(self, model: Mixture, share: float) -> None:
        """``share``, in (0, 1), is of the events and rounded up."""
        super().__init__(model)
        self._mixture = model
        self._share = share

    def opinions(self, table: FeatureTable) -> Opinions:
        """The members' and the mixture's; NaN for a slow member on an event it was spared."""
        count = len(table.rows)
        scored = math.ceil(self._share * count)
        if len(self._mixture.seen) < 2 or scored >= count:
            return super().opinions(table)
        members = self._mixture.quick_members(table)
        doubt = _entropy(self._mixture.hedge.mix(members))
        rows = np.sort(np.argpartition(doubt, count - scored)[count - scored :])
        members[:, rows] = self._mixture.members(table.some(rows.tolist()))
        return Opinions(self._mixture.hedge.mix(members), members, self._mixture.weights)


def _entropy(probabilities: Floats) -> Floats:
    """In nats, (rows,); infinite where there is no opinion."""
    logarithms = np.log(np.maximum(probabilities, 1e-300))
    entropy: Floats = np.nan_to_num(-(probabilities * logarithms).sum(axis=1), nan=np.inf)
    return entropy
