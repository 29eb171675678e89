"""Distances and similarities between events as points."""

from __future__ import annotations

import numpy as np

from streamsel.selection.candidates import Floats


def squared_distances(points: Floats, others: Floats) -> Floats:
    """(points, others): squared Euclidean distances, by one matrix product."""
    # (−2 p, p², 1) · (o, 1, o²): what would be added afterwards is two dimensions more.
    dimensions = points.shape[1]
    left = np.ones((len(points), dimensions + 2), points.dtype)
    right = np.ones((len(others), dimensions + 2), points.dtype)
    np.multiply(points, -2.0, out=left[:, :dimensions])
    np.einsum("ed,ed->e", points, points, out=left[:, dimensions])
    right[:, :dimensions] = others
    np.einsum("od,od->o", others, others, out=right[:, dimensions + 1])
    distances: Floats = left @ right.T
    # Rounding may leave a distance of zero just below it.
    return np.maximum(distances, 0.0, out=distances)


def similarities(points: Floats, sample: Floats) -> Floats:
    """(points, sample): their ``likeness``, by the sample's total variance."""
    variance = max(float(sample.var(axis=0).sum()), 1e-12)
    return likeness(squared_distances(points, sample), variance)


def likeness(squared: Floats, variance: float) -> Floats:
    """exp(−6 d² / V) in [0, 1], of squared distances d² and a total variance V. Two random events, whose d²
    is 2 V in the mean, are thus not alike, however many dimensions there are."""
    alike: Floats = np.exp(squared * (-6.0 / variance))
    return alike
