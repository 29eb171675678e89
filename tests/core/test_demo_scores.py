"""Prequential scores of the demo's two models."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.demo.scores import Scores


def scores(*predictions: tuple[bool, float]) -> Scores:
    counted = Scores()
    for truth, probability in predictions:
        counted.add(truth, probability)
    return counted


def test_nothing_counted_is_nothing_known() -> None:
    """NaN, not a number that looks like a result."""
    nothing = scores()
    assert nothing.events == 0
    assert all(map(math.isnan, (nothing.accuracy, nothing.balanced_accuracy, nothing.average_precision)))


def test_accuracies_of_a_hand_made_stream() -> None:
    """Three of four right; recalls of 2/3 and 1."""
    counted = scores((False, 0.1), (False, 0.2), (False, 0.9), (True, 0.8))
    assert counted.accuracy == 0.75
    assert counted.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)


def test_an_even_chance_predicts_the_first_label() -> None:
    """So that knowing nothing is the same prediction for everyone."""
    assert scores((False, 0.5)).accuracy == 1.0
    assert scores((True, 0.5)).accuracy == 0.0


def test_average_precision_of_a_hand_made_ranking() -> None:
    """Found at ranks 1 and 3: (1/1 + 2/3) / 2."""
    counted = scores((True, 0.9), (False, 0.8), (True, 0.7), (False, 0.1))
    assert counted.average_precision == pytest.approx((1.0 + 2.0 / 3.0) / 2.0)


def test_a_ranking_that_tells_nothing_apart_scores_the_share() -> None:
    """All equal probabilities: precision is the share at every recall, in whatever order they came."""
    assert scores((True, 0.0), (False, 0.0), (False, 0.0), (False, 0.0)).average_precision == 0.25
    assert scores((False, 0.0), (False, 0.0), (False, 0.0), (True, 0.0)).average_precision == 0.25


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0])), min_size=1))
def test_average_precision_is_the_sum_over_thresholds(predictions: list[tuple[bool, float]]) -> None:
    """Against its definition: precision times the recall gained at each distinct threshold."""
    wanted = sum(truth for truth, _ in predictions)
    counted = scores(*predictions).average_precision
    if not wanted:
        assert math.isnan(counted)
        return
    expected = reached = 0.0
    for threshold in sorted({probability for _, probability in predictions}, reverse=True):
        shown = [truth for truth, probability in predictions if probability >= threshold]
        recall = sum(shown) / wanted
        expected += sum(shown) / len(shown) * (recall - reached)
        reached = recall
    assert counted == pytest.approx(expected)
