"""Expected error reduction: what a label would do for the predictions on other events."""

from __future__ import annotations

import numpy as np

from streamsel.selection.acquisition.geometry import similarities
from streamsel.selection.acquisition.known import distributions, settled
from streamsel.selection.candidates import Candidates, Floats


def expected_error(candidates: Candidates) -> Floats:
    """Expected fall of the mean entropy of recent events' predictions, were the event's label known; from
    −log k to log k, mapped to 0 to 1. (N. Roy and A. McCallum, Toward Optimal Active Learning through
    Sampling Estimation of Error Reduction, ICML 2001: expected log loss over a sample.)

    They retrain the model for every candidate and label. Instead it takes one step of a kernel logistic
    regression here: label y at x raises the logit of y at a recent event u, its others staying, by

        s = K(x, u) (1 − p_y(x)) / (1 + Σ_a K(a, u)),   K as in ``similarities``

    over the events a asked about before: the more is known around u, the less one label more moves it. So
    p(u) becomes proportional to p(u) with its y-th entry times e^s, whose entropy has a closed form. The
    utility is the mean over the recent events, and over y by p(x). In events × sample × classes steps.
    """
    points, recent, asked = candidates.points, candidates.recent, candidates.asked
    if points is None or recent is None or asked is None:
        raise ValueError(
            "expected_error needs the events, a sample of recent ones and those asked about as points"
        )
    probabilities = candidates.probabilities
    classes = probabilities.shape[1]
    told = distributions(recent.probabilities)
    if classes < 2 or recent.probabilities.shape[1] != classes or not told.any():
        return np.ones(len(candidates))
    beliefs = recent.probabilities[told]
    logs = np.log(np.maximum(beliefs, 1e-300))
    entropies = -(beliefs * logs).sum(axis=1)
    sample = recent.points[told]
    kernel = similarities(points, sample) / (1.0 + similarities(asked, sample).sum(axis=0))
    reductions = np.zeros(len(candidates))
    for label in range(classes):
        chance, belief = probabilities[:, label], beliefs[:, label]
        step = kernel * (1.0 - chance)[:, np.newaxis]
        factor = np.exp(step)
        total = 1.0 + (factor - 1.0) * belief
        # Σ_c p_c m_c log(p_c m_c), with m = e^s for this label and 1 for the others
        sums = -entropies + belief * ((factor - 1.0) * logs[:, label] + factor * step)
        after = np.log(total) - sums / total
        reductions += chance * (entropies - after).mean(axis=1)
    return settled(0.5 + reductions / (2.0 * np.log(classes)), probabilities)
