"""Which events to ask about before the model can tell, and when it can."""

from __future__ import annotations

import math

import numpy as np

from streamsel.records import Experience
from streamsel.selection.acquisition.geometry import squared_distances
from streamsel.selection.candidates import Candidates, Floats
from streamsel.selection.half_space_trees import HalfSpaceTrees
from streamsel.selection.ranking import standing

NEIGHBOUR = 5
"""Whose distance tells how alone an event is: a rare kind of events has a few of its own about it."""
WINDOW = 500
"""Events among which the scores are ranked."""
FEW = 3
"""So many labels of every class make a beginning."""
PATIENCE = 500
"""After so many labels, what lies apart has had its chance: a rare class may as well lie among the others."""


class ColdStart:
    """Spread first, and what is unlike the rest first: so the classes are found, rare ones too, before there
    are labels. The mean of two ranks among the latest events:

    - how alone an event is: the distance to its fifth nearest neighbour among recent events and those asked
      about. (S. Ramaswamy, R. Rastogi and K. Shim, Efficient Algorithms for Mining Outliers from Large Data
      Sets, SIGMOD 2000.) Counting those asked about makes it the distance of a core-set (O. Sener and S.
      Savarese, ICLR 2018) where a kind of events has been asked about five times.
    - how far out it is, by half-space trees.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._trees: HalfSpaceTrees | None = None
        self._alone = np.zeros(0)
        self._out = np.zeros(0)
        self._uncertain = np.zeros(0)

    def utilities(self, candidates: Candidates) -> Floats:
        """(events,) in [0, 1]; learns from the events as it goes. The model is not consulted. Raises
        ``ValueError`` without points, recent events and those asked about."""
        points, recent, asked = candidates.points, candidates.recent, candidates.asked
        if points is None or recent is None or asked is None:
            raise ValueError("a cold start needs points, a sample of recent ones and those asked about")
        if points.shape[1] == 0 or len(points) == 0:
            return np.ones(len(candidates))
        if self._trees is None or points.shape[1] != self._trees.dimensions:
            self._trees = HalfSpaceTrees(points.shape[1], seed=self._seed)
        alone = _loneliness(points, np.concatenate((recent.points, asked)))
        out = self._trees.scores(points)
        self._alone = np.concatenate((self._alone, alone))[-max(WINDOW, len(points)) :]
        self._out = np.concatenate((self._out, out))[-max(WINDOW, len(points)) :]
        return (_ranks(alone, self._alone) + _ranks(out, self._out)) / 2.0

    def blended(self, candidates: Candidates, uncertain: Floats) -> Floats:
        """The model's ``uncertain`` utilities (events,) and the cold start's, weighed by ``handover``. Ranks
        are compared, among the latest events: where a class is rare all uncertainty is small."""
        trust = handover(candidates.experience)
        if trust == 1.0:
            return uncertain
        cold = self.utilities(candidates)
        self._uncertain = np.concatenate((self._uncertain, uncertain))[-max(WINDOW, len(uncertain)) :]
        return trust * _ranks(uncertain, self._uncertain) + (1.0 - trust) * cold


def handover(experience: Experience) -> float:
    """The weight of the model's uncertainty, in [0, 1]; the rest is the cold start's.

    Every class but the most frequent contributes by how many of the ``FEW`` labels it has: 0 while there is
    but one class. From the second on it grows with labels in any case, to 1 at ``PATIENCE``. Half of it,
    while predictions on random events are known not to beat the class shares.
    """
    rarer = sorted(experience.counts)[:-1]
    if not any(rarer):
        return 0.0
    begun = sum(min(count / FEW, 1.0) for count in rarer) / len(rarer)
    trust = max(begun, min(experience.labels / PATIENCE, 1.0))
    known_worse = not math.isnan(experience.explored_loss) and not experience.beats_prior
    return trust / 2.0 if known_worse else trust


def _loneliness(points: Floats, others: Floats) -> Floats:
    """Distance of each point to its ``NEIGHBOUR``th nearest of ``others``, or the furthest of fewer; all
    alike without any."""
    nearest = min(NEIGHBOUR, len(others)) - 1
    if nearest < 0:
        return np.zeros(len(points))
    # Ranks are all that is made of it: half the precision does, in half the time.
    distances = squared_distances(points.astype(np.float32), others.astype(np.float32))
    # The few smallest crossed out one by one: faster than a partition.
    rows = np.arange(len(points))
    for _ in range(nearest):
        distances[rows, distances.argmin(axis=1)] = np.inf
    furthest: Floats = np.sqrt(distances[rows, distances.argmin(axis=1)].astype(np.float64))
    return furthest


def _ranks(values: Floats, window: Floats) -> Floats:
    """The share of ``window`` below each value, and half of what equals it."""
    below, not_above = standing(values, np.sort(window))
    ranks: Floats = (below + not_above) / (2.0 * len(window))
    return ranks
