"""Density and core-set: formulas, order, and scikit-activeml's distances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from skactiveml.pool._core_set import _update_distances

from streamsel.selection.acquisition import ACQUISITIONS
from streamsel.selection.candidates import Candidates, Recent
from tests.core.candidate_strategies import candidates

density = ACQUISITIONS["density"].function
coreset = ACQUISITIONS["coreset"].function


@given(candidates())
def test_density_is_its_formula(batch: Candidates) -> None:
    """Entropy times the mean similarity, one recent event after another."""
    assert batch.points is not None
    assert batch.recent is not None
    variance = max(sum(np.var(column) for column in batch.recent.points.T), 1e-12)
    uncertain = ACQUISITIONS["entropy"].function(batch)
    for event, point in enumerate(batch.points):
        alike = [math.exp(-6.0 * ((point - other) ** 2).sum() / variance) for other in batch.recent.points]
        expected = uncertain[event] * sum(alike) / len(alike)
        assert density(batch)[event] == pytest.approx(expected, abs=1e-6)


def test_density_prefers_the_middle_of_the_stream() -> None:
    """Of events predicted alike, the one among many others is the most useful."""
    recent = Recent(np.random.default_rng(1).normal(size=(200, 2)), np.full((200, 2), 0.5))
    places = np.array([[0.0, 0.0], [1.0, 1.0], [3.0, 3.0]])
    utilities = density(Candidates(np.tile([0.6, 0.4], (3, 1)), points=places, recent=recent))
    assert (np.diff(utilities) < 0.0).all()


@given(candidates())
def test_density_without_recent_events_is_entropy(batch: Candidates) -> None:
    """There is nothing to be representative of yet."""
    assert batch.points is not None
    none = Recent(np.zeros((0, batch.points.shape[1])), np.zeros((0, 2)))
    alone = density(Candidates(batch.probabilities, points=batch.points, recent=none))
    assert alone.tolist() == ACQUISITIONS["entropy"].function(batch).tolist()


@given(candidates())
def test_coreset_is_its_formula(batch: Candidates) -> None:
    """The squashed distance to the nearest event asked about."""
    assert batch.points is not None
    assert batch.asked is not None
    for event, point in enumerate(batch.points):
        distance = min(math.dist(point, other) for other in batch.asked)
        assert coreset(batch)[event] == pytest.approx(distance / (1.0 + distance), abs=1e-6)


def test_coreset_prefers_what_is_far_from_all_that_was_asked() -> None:
    """0 for what was asked, and more the further away."""
    places = np.array([[0.0], [1.0], [2.5], [-4.0]])
    batch = Candidates(np.zeros((4, 0)), points=places, asked=np.array([[0.0], [4.0]]))
    assert coreset(batch).argsort().tolist() == [0, 1, 2, 3]
    assert coreset(batch)[0] == 0.0


def test_coreset_before_the_first_query() -> None:
    """Everything is as useful as can be."""
    batch = Candidates(np.zeros((3, 0)), points=np.eye(3), asked=np.zeros((0, 3)))
    assert coreset(batch).tolist() == [1.0, 1.0, 1.0]


@given(candidates())
def test_coreset_ranks_as_scikit_activeml(batch: Candidates) -> None:
    """Whose greedy step takes the furthest by the same distances."""
    assert batch.points is not None
    assert batch.asked is not None
    everything = np.concatenate((batch.asked, batch.points))
    centres = np.arange(len(batch.asked))
    mapping = np.arange(len(batch.asked), len(everything))
    distances = np.ravel(_update_distances(everything, centres, mapping))[mapping]
    assert coreset(batch) == pytest.approx(distances / (1.0 + distances), abs=1e-6)
