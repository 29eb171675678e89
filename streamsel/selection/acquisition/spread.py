"""Where the events lie: among the others, and away from what was asked."""

from __future__ import annotations

import numpy as np

from streamsel.selection.acquisition.geometry import similarities, squared_distances
from streamsel.selection.acquisition.known import settled
from streamsel.selection.acquisition.uncertainty import normalised_entropy
from streamsel.selection.candidates import Candidates, Floats


def density(candidates: Candidates) -> Floats:
    """Information density: entropy times the mean similarity to the recent events, to the power β = 1 as in
    the authors' experiments. Without recent events, entropy alone. (B. Settles and M. Craven, An Analysis of
    Active Learning Strategies for Sequence Labeling Tasks, EMNLP 2008.)"""
    points, recent, probabilities = candidates.points, candidates.recent, candidates.probabilities
    if points is None or recent is None:
        raise ValueError("density needs the events and a sample of recent ones as points")
    uncertain = normalised_entropy(probabilities)
    if probabilities.shape[1] < 2 or len(recent.points) == 0:
        return uncertain
    return settled(uncertain * similarities(points, recent.points).mean(axis=1), probabilities)


def coreset(candidates: Candidates) -> Floats:
    """Distance d to the nearest event asked about, squashed by d / (1 + d); 1 while there is none. The model
    is not consulted. (O. Sener and S. Savarese, Active Learning for Convolutional Neural Networks: A Core-Set
    Approach, ICLR 2018: the greedy step of k-center.)"""
    points, asked = candidates.points, candidates.asked
    if points is None or asked is None:
        raise ValueError("coreset needs the events and those asked about as points")
    if len(asked) == 0:
        return np.ones(len(candidates))
    distances: Floats = np.sqrt(squared_distances(points, asked).min(axis=1))
    return distances / (1.0 + distances)
