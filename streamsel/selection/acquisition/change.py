"""Expected model change: how far a label would move the model."""

from __future__ import annotations

import numpy as np

from streamsel.selection.acquisition.known import settled
from streamsel.selection.candidates import Candidates, Floats


def expected_change(candidates: Candidates) -> Floats:
    """Expected gradient length g, squashed by g / (1 + g). (B. Settles, M. Craven and S. Ray,
    Multiple-Instance Active Learning, NIPS 2008.)

    The model is taken for a softmax over the points x and an intercept. Its log loss on label y has gradient
    (p − e_y) ⊗ (x, 1), so

        g = Σ_y p_y ‖p − e_y‖ √(1 + ‖x‖²) / √2

    The √2 makes it, of two classes, the length 2 p (1 − p) √(1 + ‖x‖²) of a logistic regression.
    """
    points, probabilities = candidates.points, candidates.probabilities
    if points is None:
        raise ValueError("expected_change needs the events as points")
    if probabilities.shape[1] < 2:
        return np.ones(len(candidates))
    # ‖p − e_y‖² = Σ p² − 2 p_y + 1
    squares = np.einsum("ek,ek->e", probabilities, probabilities)
    surprises = np.sqrt(np.maximum(squares[:, np.newaxis] - 2.0 * probabilities + 1.0, 0.0))
    lengths = np.sqrt(0.5 + 0.5 * np.einsum("ed,ed->e", points, points))
    gradients = np.einsum("ek,ek->e", probabilities, surprises) * lengths
    return settled(gradients / (1.0 + gradients), probabilities)
