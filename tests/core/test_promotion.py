"""The test by which challengers are promoted."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.learning.promotion import LARGEST_LOSS, LEAST_PROBABILITY, Standing, compared, score
from streamsel.records import PromotionRule

LOSS = PromotionRule("log_loss", least_labels=1)
ACCURACY = PromotionRule("accuracy", least_labels=1)
shares = st.lists(st.floats(0.001, 1.0), min_size=2, max_size=5)


@given(shares, st.data())
def test_scores_are_shares_and_rise_with_the_labels_probability(
    weights: list[float], data: st.DataObject
) -> None:
    """Whatever is predicted; log losses are cut where one mistake would decide."""
    probabilities = np.array(weights) / sum(weights)
    label = data.draw(st.integers(0, len(weights) - 1))
    given_loss = score(LOSS, probabilities, label)
    assert 0.0 <= given_loss <= 1.0
    least = max(probabilities[label], LEAST_PROBABILITY)
    assert (1.0 - given_loss) * LARGEST_LOSS == pytest.approx(-math.log(least))
    assert score(ACCURACY, probabilities, label) == float(probabilities.argmax() == label)


@pytest.mark.parametrize("nothing", [np.zeros(0), np.array([math.nan, math.nan])])
def test_no_opinion_is_an_even_chance_and_no_answer(nothing: np.ndarray) -> None:
    """A model that has not learned yet is not ahead by saying nothing."""
    assert score(LOSS, nothing, 0) == score(LOSS, np.array([0.5, 0.5]), 0)
    assert score(ACCURACY, nothing, 0) == 0.0


def standing(rule: PromotionRule, scores: Sequence[tuple[float, float]]) -> Standing:
    """Of pairs of champion's and challenger's."""
    columns = np.array(scores, dtype=float).reshape(-1, 2)
    return compared(rule, columns[:, 0], columns[:, 1])


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=60), st.floats(0, 0.5))
def test_wealth_is_the_mean_over_fixed_bets(scores: list[tuple[float, float]], margin: float) -> None:
    """As the formula has it; promotion is at the first label after which it is enough."""
    rule = PromotionRule("accuracy", 5, margin, error_rate=0.5)
    bets = [0.01 * 2**power / (1.0 + margin) for power in range(7)]

    def wealth(labels: int) -> float:
        wealths = [math.prod(1.0 + bet * (b - a - margin) for a, b in scores[:labels]) for bet in bets]
        return float(np.mean(wealths))

    found = standing(rule, scores)
    assert found.wealth == pytest.approx(wealth(found.labels), rel=1e-6)
    enough = [labels for labels in range(5, len(scores) + 1) if wealth(labels) >= 2.0]
    assert found.promoted == bool(enough)
    assert found.labels == (enough[0] if enough else len(scores))


def test_a_better_challenger_is_promoted_in_a_few_hundred_labels() -> None:
    """Right in 85 of 100 against 75."""
    draws = random.Random(1)
    scores = [(float(draws.random() < 0.75), float(draws.random() < 0.85)) for _ in range(1_000)]
    found = standing(PromotionRule("accuracy", 100), scores)
    assert found.promoted
    assert found.wealth >= 20.0
    assert found.gain == pytest.approx(0.1, abs=0.1)
    assert found.evidence()["labels"] == found.labels >= 100


def test_nothing_is_decided_before_the_least_labels() -> None:
    """However clear it is."""
    rule = PromotionRule("accuracy", 200)
    assert not standing(rule, [(0.0, 1.0)] * 199).promoted
    assert standing(rule, [(0.0, 1.0)] * 300).labels == 200
    assert standing(rule, []) == Standing(0, 0.0, 1.0, False)


def test_a_gain_within_the_margin_is_no_gain() -> None:
    """What is better by just the margin never gets rich."""
    assert standing(PromotionRule("accuracy", 1, margin=0.5), [(0.0, 0.5)] * 1_000).wealth <= 1.0


def test_an_overwhelming_gain_is_no_overflow() -> None:
    """Wealth stays a number."""
    found = standing(PromotionRule("accuracy", 10_000), [(0.0, 1.0)] * 9_999)
    assert math.isfinite(found.wealth)


def test_one_no_better_is_promoted_no_more_often_than_declared() -> None:
    """Looked at after each of 2,000 labels: at most one in twenty of 400 chances."""
    rule = PromotionRule("accuracy", 20)
    right = np.random.default_rng(1).random((400, 2_000, 2)) < 0.7
    assert sum(standing(rule, list(map(tuple, one))).promoted for one in right) <= 0.05 * 400
