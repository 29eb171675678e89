"""The test by which challengers are promoted."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.learning.promotion import LARGEST_LOSS, LEAST_PROBABILITY, Comparison, score
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


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=60), st.floats(0, 0.5))
def test_wealth_is_the_mean_over_fixed_bets(scores: list[tuple[float, float]], margin: float) -> None:
    """As the formula has it, and never negative."""
    rule = PromotionRule("accuracy", 1, margin)
    comparison = Comparison(rule)
    for champion, challenger in scores:
        comparison.add(champion, challenger)
    bets = [0.01 * 2**power / (1.0 + margin) for power in range(7)]
    wealths = [
        math.prod(1.0 + bet * (challenger - champion - margin) for champion, challenger in scores)
        for bet in bets
    ]
    assert comparison.standing.wealth == pytest.approx(sum(wealths) / len(wealths), rel=1e-6)
    assert comparison.standing.labels == len(scores)


def test_a_better_challenger_is_promoted_in_a_few_hundred_labels() -> None:
    """Right in 85 of 100 against 75."""
    draws = random.Random(1)
    comparison = Comparison(PromotionRule("accuracy", 100))
    while not comparison.standing.promoted:
        comparison.add(float(draws.random() < 0.75), float(draws.random() < 0.85))
        assert comparison.standing.labels < 1000
    standing = comparison.standing
    assert standing.wealth >= 20.0
    assert standing.gain == pytest.approx(0.1, abs=0.1)
    assert standing.evidence()["labels"] == standing.labels >= 100


def test_nothing_is_decided_before_the_least_labels() -> None:
    """However clear it is."""
    comparison = Comparison(PromotionRule("accuracy", 200))
    for _ in range(199):
        comparison.add(0.0, 1.0)
        assert not comparison.standing.promoted
    comparison.add(0.0, 1.0)
    assert comparison.standing.promoted


def test_a_gain_within_the_margin_is_no_gain() -> None:
    """What is better by just the margin never gets rich."""
    comparison = Comparison(PromotionRule("accuracy", 1, margin=0.5))
    for _ in range(1000):
        comparison.add(0.0, 0.5)
    assert comparison.standing.wealth <= 1.0


def test_one_no_better_is_promoted_no_more_often_than_declared() -> None:
    """Looked at after each of 500 labels: at most one in twenty of 400 chances, within what chance allows."""
    promoted = 0
    for seed in range(400):
        draws = np.random.default_rng(seed)
        comparison = Comparison(PromotionRule("accuracy", 20))
        for champion, challenger in draws.random((500, 2)) < 0.7:
            comparison.add(float(champion), float(challenger))
            if comparison.standing.promoted:
                promoted += 1
                break
    assert promoted <= 0.05 * 400
