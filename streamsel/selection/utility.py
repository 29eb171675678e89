"""How much a label would teach, from the predicted class probabilities.

Each function takes probabilities of shape (events, classes), rows summing to 1, and returns utilities of
shape (events,), normalised so that a uniform prediction has utility 1 and a certain one utility 0. With
fewer than two classes nothing is known yet and every event is worth asking about: utility 1. The same holds
for rows that are no distribution at all (NaN, or summing to 0).

Sources: D. D. Lewis and W. A. Gale, A Sequential Algorithm for Training Text Classifiers, SIGIR 1994 (least
confidence); T. Scheffer, C. Decomain and S. Wrobel, Active Hidden Markov Models for Information Extraction,
IDA 2001 (margin); C. E. Shannon, A Mathematical Theory of Communication, 1948 (entropy); B. Settles, Active
Learning Literature Survey, 2009, section 3.1, compares the three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Utility: TypeAlias = Callable[[Floats], Floats]
"""(events, classes) probabilities to (events,) utilities."""


def least_confidence(probabilities: Floats) -> Floats:
    """1 − max p, over 1 − 1/k."""
    classes = probabilities.shape[1]
    if classes < 2:
        return np.ones(len(probabilities))
    return _settled((1.0 - probabilities.max(axis=1)) * (classes / (classes - 1)), probabilities)


def margin(probabilities: Floats) -> Floats:
    """1 − (largest p − second largest p)."""
    classes = probabilities.shape[1]
    if classes < 2:
        return np.ones(len(probabilities))
    if classes == 2:
        gap = np.abs(probabilities[:, 0] - probabilities[:, 1])
    else:
        top = np.partition(probabilities, classes - 2, axis=1)
        gap = top[:, -1] - top[:, -2]
    return _settled(1.0 - gap, probabilities)


def entropy(probabilities: Floats) -> Floats:
    """−Σ p log p, over log k."""
    classes = probabilities.shape[1]
    if classes < 2:
        return np.ones(len(probabilities))
    safe = np.maximum(probabilities, 1e-300)
    return _settled(-(probabilities * np.log(safe)).sum(axis=1) / np.log(classes), probabilities)


UTILITIES: dict[str, Utility] = {
    "least_confidence": least_confidence,
    "margin": margin,
    "entropy": entropy,
}
"""By query strategy name."""


def _settled(utility: Floats, probabilities: Floats) -> Floats:
    """Clips rounding away; rows that are no distribution get 1."""
    utility = np.clip(utility, 0.0, 1.0)
    known = np.isfinite(utility) & (probabilities.sum(axis=1) > 0.0)
    return utility if known.all() else np.where(known, utility, 1.0)
