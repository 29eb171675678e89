"""Expected error reduction: the formula, by carrying out each hypothetical label."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from streamsel.selection.acquisition import ACQUISITIONS
from streamsel.selection.candidates import Candidates, Floats, Recent
from tests.core.candidate_strategies import candidates

expected_error = ACQUISITIONS["expected_error"].function


def entropy(row: Floats) -> float:
    """In nats."""
    total: float = sum(p * math.log(p) for p in row.tolist() if p > 0.0)
    return -total


def naive(row: Floats, point: Floats, recent: Recent, asked: Floats) -> float:
    """Every label in turn, every recent prediction updated, every entropy summed."""
    variance = max(sum(np.var(column) for column in recent.points.T), 1e-12)
    reduction = 0.0
    for label, chance in enumerate(row):
        for other, belief in zip(recent.points, recent.probabilities, strict=True):
            known = sum(math.exp(-6.0 * math.dist(before, other) ** 2 / variance) for before in asked)
            kernel = math.exp(-6.0 * math.dist(point, other) ** 2 / variance)
            updated = belief.copy()
            updated[label] *= math.exp(kernel * (1.0 - chance) / (1.0 + known))
            updated /= updated.sum()
            reduction += chance * (entropy(belief) - entropy(updated)) / len(recent.points)
    return 0.5 + reduction / (2.0 * math.log(len(row)))


@given(candidates())
def test_the_formula(batch: Candidates) -> None:
    """Each utility is the mean fall in entropy after carrying the update out."""
    assert batch.points is not None
    assert batch.recent is not None
    assert batch.asked is not None
    expected = [
        naive(row, point, batch.recent, batch.asked)
        for row, point in zip(batch.probabilities, batch.points, strict=True)
    ]
    assert expected_error(batch) == pytest.approx(expected, abs=1e-6)


def test_an_unsure_event_among_unsure_ones_is_the_most_useful() -> None:
    """More than one of which the model is sure, and than one far from all others."""
    probabilities = np.array([[0.5, 0.5], [0.99, 0.01], [0.5, 0.5]])
    recent = Recent(np.array([[-0.5], [0.0], [0.5]]), np.full((3, 2), 0.5))
    places = np.array([[0.0], [0.0], [5.0]])
    utilities = expected_error(
        Candidates(probabilities, points=places, recent=recent, asked=np.zeros((0, 1)))
    )
    assert utilities.argmax() == 0
    assert utilities[1:] == pytest.approx([0.5, 0.5], abs=0.01)


def test_an_event_where_little_was_asked_is_the_more_useful() -> None:
    """Of two among unsure ones, the one away from what was asked about."""
    recent = Recent(np.array([[-1.0], [1.0]]), np.full((2, 2), 0.5))
    asked = np.array([[1.0], [1.1], [0.9]])
    places = np.array([[-1.0], [1.0]])
    utilities = expected_error(Candidates(np.full((2, 2), 0.5), points=places, recent=recent, asked=asked))
    assert utilities[0] > utilities[1]


@given(candidates())
def test_recent_events_without_a_prediction_are_left_out(batch: Candidates) -> None:
    """They are as if they were not there."""
    assert batch.recent is not None
    stranger = Recent(
        np.append(batch.recent.points, batch.recent.points[:1] + 1.0, axis=0),
        np.append(batch.recent.probabilities, np.full((1, batch.probabilities.shape[1]), np.nan), axis=0),
    )
    assert expected_error(replace(batch, recent=stranger)).tolist() == expected_error(batch).tolist()


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_without_recent_predictions_nothing_is_known(classes: int) -> None:
    """None yet, of other classes, or all NaN: utility 1."""
    recent = Recent(np.zeros((2, 1)), np.full((2, classes), np.nan))
    places = np.zeros((3, 1))
    batch = Candidates(np.full((3, 2), 0.5), points=places, recent=recent, asked=places)
    assert expected_error(batch).tolist() == [1.0, 1.0, 1.0]
