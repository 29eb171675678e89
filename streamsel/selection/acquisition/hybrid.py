"""The default: uncertainty where the stream is and the queries were not yet."""

from __future__ import annotations

import numpy as np

from streamsel.records import Experience
from streamsel.selection.acquisition.geometry import squared_distances
from streamsel.selection.acquisition.known import settled
from streamsel.selection.acquisition.uncertainty import normalised_entropy
from streamsel.selection.candidates import Candidates, Floats

POWER = 0.5
"""Of the density ratio. Between 0.5 and 1, little changed; without it the ranking of events suffered."""
LARGEST_RATIO = 5.0
"""The density ratio is kept between this and its inverse."""
FLOOR = 0.02
"""Added to both densities: where neither sample has been, nothing is known of their ratio."""
FEW = 20
"""With fewer points on either side there is no density to speak of."""
NEARNESS = 2.0
"""Of the kernel, whose exponent is this at the squared distance of two random events."""

EXPLORED, EXPLORED_RARE = 0.4, 0.5
"""The share of queries drawn at random when classes are even, and when one is rare."""
EVEN = 0.3
"""A class with less than this part of an even share of the labels begins to count as rare."""


def hybrid(candidates: Candidates) -> Floats:
    """Entropy times √(density of the stream / density of the queries).

    Uncertainty alone asks about the same doubtful regions again and again, whether or not labels there still
    teach, and leaves a training set that is blind elsewhere. The ratio is that of information density
    (B. Settles and M. Craven, EMNLP 2008) to what a core-set (O. Sener and S. Savarese, ICLR 2018) already
    covers, queries still pending included: it grows where the stream has moved to and falls where it has been
    asked. Both densities are kernel estimates over the samples in ``candidates``.
    """
    uncertain = normalised_entropy(candidates.probabilities)
    points, recent, asked = candidates.points, candidates.recent, candidates.asked
    if points is None or recent is None or asked is None:
        raise ValueError("hybrid needs the events, recent ones and those asked about as points")
    if len(recent.points) < FEW or len(asked) < FEW:
        return uncertain
    decay = NEARNESS / max(2.0 * float(recent.points.var(axis=0).sum()), 1e-9)
    stream = np.exp(-decay * squared_distances(points, recent.points)).mean(axis=1) + FLOOR
    queries = np.exp(-decay * squared_distances(points, asked)).mean(axis=1) + FLOOR
    ratio = np.clip(stream / queries / LARGEST_RATIO, LARGEST_RATIO**-2, 1.0) ** POWER
    return settled(uncertain * ratio, candidates.probabilities)


def explored_share(experience: Experience) -> float:
    """The share of queries to draw at random: more while a class is rare among the labels, or none are there.

    Where a class is rare, the model is sure of events it has never seen the like of; only random draws find
    those.
    """
    classes = len(experience.counts)
    if classes < 2:
        return EXPLORED_RARE
    rarest = (min(experience.counts) + 0.5) / (experience.labels + 0.5 * classes)
    rareness = min(max(1.0 - rarest * classes / EVEN, 0.0), 1.0)
    return EXPLORED + (EXPLORED_RARE - EXPLORED) * rareness
