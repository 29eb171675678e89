"""Expected model change: the formula, by the gradients themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.selection.acquisition import ACQUISITIONS
from streamsel.selection.candidates import Candidates, Floats
from tests.core.candidate_strategies import candidates, simplexes

expected_change = ACQUISITIONS["expected_change"].function


def naive(row: Floats, point: Floats) -> float:
    """The mean length of the gradients, each written out as a matrix."""
    extended = np.append(point, 1.0)
    lengths = [float(np.linalg.norm(np.outer(row - unit, extended))) for unit in np.eye(len(row))]
    length: float = sum(p * each for p, each in zip(row.tolist(), lengths, strict=True)) / math.sqrt(2.0)
    return length / (1.0 + length)


@given(candidates())
def test_the_formula(batch: Candidates) -> None:
    """Each utility is the squashed expected gradient length."""
    assert batch.points is not None
    expected = [naive(row, point) for row, point in zip(batch.probabilities, batch.points, strict=True)]
    assert expected_change(batch) == pytest.approx(expected, abs=1e-7)


@given(st.floats(0.0, 1.0), st.floats(-5.0, 5.0))
def test_two_classes_are_a_logistic_regression(p: float, x: float) -> None:
    """Whose gradient on label y is (p − y) times the features and 1."""
    length = (p * (1.0 - p) + (1.0 - p) * p) * math.hypot(1.0, x)
    batch = Candidates(np.array([[1.0 - p, p]]), points=np.array([[x]]))
    assert expected_change(batch)[0] == pytest.approx(length / (1.0 + length), abs=1e-7)


@given(simplexes((1, 3)), st.floats(0.0, 5.0), st.floats(0.0, 5.0))
def test_the_further_out_the_more_useful(row: Floats, one: float, other: float) -> None:
    """Of events predicted alike, the one with larger features moves the model more."""
    nearer, further = sorted((one, other))
    batch = Candidates(np.repeat(row, 2, axis=0), points=np.array([[nearer], [further]]))
    utilities = expected_change(batch)
    assert utilities[0] <= utilities[1] + 1e-12


def test_a_certain_prediction_changes_nothing() -> None:
    """Its expected gradient is zero."""
    batch = Candidates(np.array([[1.0, 0.0, 0.0]]), points=np.array([[4.0, -4.0]]))
    assert expected_change(batch) == pytest.approx([0.0], abs=1e-9)
