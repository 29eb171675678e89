"""Uncertainty of the prediction itself: a uniform one has utility 1, a certain one utility 0.

B. Settles, Active Learning Literature Survey, 2009, section 3.1, compares the three.
"""

from __future__ import annotations

import math

import numpy as np

from streamsel.selection.acquisition.known import settled
from streamsel.selection.candidates import Candidates, Floats


def least_confidence(candidates: Candidates) -> Floats:
    """(1 − max p) / (1 − 1/k). (D. D. Lewis and W. A. Gale, A Sequential Algorithm for Training Text
    Classifiers, SIGIR 1994.)"""
    probabilities = candidates.probabilities
    classes = probabilities.shape[1]
    if classes < 2:
        return np.ones(len(probabilities))
    return settled((1.0 - probabilities.max(axis=1)) * (classes / (classes - 1)), probabilities)


def margin(candidates: Candidates) -> Floats:
    """1 − (largest p − second largest p). (T. Scheffer, C. Decomain and S. Wrobel, Active Hidden Markov
    Models for Information Extraction, IDA 2001.)"""
    probabilities = candidates.probabilities
    classes = probabilities.shape[1]
    if classes < 2:
        return np.ones(len(probabilities))
    if classes == 2:
        gap = np.abs(probabilities[:, 0] - probabilities[:, 1])
    else:
        top = np.partition(probabilities, classes - 2, axis=1)
        gap = top[:, -1] - top[:, -2]
    return settled(1.0 - gap, probabilities)


def entropy(candidates: Candidates) -> Floats:
    """−Σ p log p / log k. (C. E. Shannon, A Mathematical Theory of Communication, 1948.)"""
    return normalised_entropy(candidates.probabilities)


def normalised_entropy(probabilities: Floats) -> Floats:
    """Of each row of (events, classes), over its largest value log k; 1 where nothing is known."""
    classes = probabilities.shape[1]
    if classes < 2:
        return np.ones(len(probabilities))
    logs = np.log(np.maximum(probabilities, 1e-300))
    return settled(np.einsum("ec,ec->e", probabilities, logs) / -math.log(classes), probabilities)
