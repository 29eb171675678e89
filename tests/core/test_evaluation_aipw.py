"""What a few labels say of all events."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.backtest.scores import score
from streamsel.learning.evaluation.aipw import Estimate
from streamsel.learning.evaluation.ranking import ranked
from streamsel.selection.gate import EXPLORE
from tests.core.evaluated import Population

COSTS = np.array([[0.0, 5.0], [1.0, 0.0]])


def everything_asked(population: Population) -> Population:
    return Population(population.probabilities, population.truth, np.ones(len(population.truth)))


@given(seed=st.integers(0, 1_000), labels=st.integers(2, 4))
@settings(max_examples=30, deadline=None)
def test_all_asked_and_answered_is_just_measured(seed: int, labels: int) -> None:
    """The estimates are then the measures of the backtest themselves, with no width."""
    population = everything_asked(Population.drawn(seed, 200, labels))
    lanes = np.full(200, EXPLORE, np.int8)
    cell = population.cell(lanes)
    found = cell.measures(np.ones((labels, labels)) - np.eye(labels))
    expected = score(population.truth, population.probabilities)
    assert found["accuracy"] == pytest.approx(Estimate(*[expected.accuracy] * 3))
    for name in ("precision", "recall", "f1"):
        assert found[name].value == pytest.approx(getattr(expected, name))
        assert found[name].high - found[name].low == pytest.approx(0.0, abs=1e-9)
    assert found["cost"].value == pytest.approx(1.0 - expected.accuracy)
    order = ranked(population.cell(lanes)._answers, cell.weighing.weights)
    assert order["roc_auc"].value == pytest.approx(expected.roc_auc)
    assert order["average_precision"].value == pytest.approx(expected.average_precision)


def test_over_the_draws_the_estimate_is_unbiased_and_its_interval_holds() -> None:
    """However wrong the model: the mean over many draws is the truth; the labels alone are far off."""
    population = Population.drawn(seed=4, events=4_000, wrong=0.6)
    truth = float(np.trace(population.confusion)) / 4_000
    unbiased, plain, held = [], [], []
    for seed in range(200):
        lanes = population.asked(seed)
        cell = population.cell(lanes)
        found = cell.measures()["accuracy"]
        held.append(found.low <= truth <= found.high)
        right = population.probabilities.argmax(axis=1) == population.truth
        gain = np.where(right[lanes > 0], 1.0, 0.0) - population.probabilities.max(axis=1)[lanes > 0]
        unbiased.append(population.probabilities.max(axis=1).mean() + cell.weighing.weighed(gain)[0] / 4_000)
        plain.append(right[lanes > 0].mean())
    error = np.std(unbiased) / math.sqrt(200)
    assert abs(np.mean(unbiased) - truth) < 3.5 * error
    assert abs(np.mean(plain) - truth) > 0.05
    assert np.mean(held) >= 0.93


@pytest.mark.parametrize("name", ["log_loss", "precision", "recall", "f1", "cost"])
def test_intervals_of_every_measure_hold(name: str) -> None:
    """At least nine in ten times of the nineteen in twenty."""
    population = Population.drawn(seed=9, events=3_000)
    expected = score(population.truth, population.probabilities)
    truth = {
        "log_loss": float(
            -np.log(population.probabilities[np.arange(3_000), population.truth].clip(1e-3)).mean()
        ),
        "cost": float((COSTS * population.confusion).sum()) / 3_000,
    }
    wanted = truth.get(name, getattr(expected, name, math.nan))
    found = [population.cell(population.asked(seed)).measures(COSTS)[name] for seed in range(100)]
    assert np.mean([one.low <= wanted <= one.high for one in found]) >= 0.9


@given(seed=st.integers(0, 1_000))
@settings(max_examples=30, deadline=None)
def test_the_value_stays_close_to_the_unbiased_one(seed: int) -> None:
    """Within the interval, and no more than half a standard error from its middle."""
    population = Population.drawn(seed, 600)
    found = population.cell(population.asked(seed + 1))._linear(np.eye(2))
    half = (found.high - found.low) / 2
    assert abs(found.value - (found.low + half)) <= half / 1.95 / 2 + 1e-9


def test_missing_answers_widen_the_interval_and_do_not_move_it_away() -> None:
    """Half of the queries of one lane were never answered."""
    population = Population.drawn(seed=2, events=5_000)
    truth = float(np.trace(population.confusion)) / 5_000
    lanes = population.asked(3)
    answered = np.random.default_rng(5).random(5_000) < np.where(lanes == EXPLORE, 0.5, 1.0)
    whole, part = (population.cell(lanes, given).measures()["accuracy"] for given in (None, answered))
    assert part.high - part.low > 1.2 * (whole.high - whole.low)
    assert part.low <= truth <= part.high
    cell = population.cell(lanes, answered)
    assert cell.weighing.asked == np.count_nonzero(lanes)


def test_a_lane_without_any_answer_is_made_up_for_by_the_others() -> None:
    """The weights still stand for about all events."""
    population = Population.drawn(seed=2, events=5_000)
    lanes = population.asked(3)
    cell = population.cell(lanes, lanes == EXPLORE)
    explored = population.propensities[lanes == EXPLORE]
    rate = np.count_nonzero(lanes) / len(explored)
    assert cell.weighing.weights == pytest.approx(rate / explored)


def test_with_few_answers_there_is_no_interval_and_with_none_what_the_model_expects() -> None:
    """A guess is not passed off as a measurement."""
    population = Population.drawn(seed=1, events=300)
    lanes = np.zeros(300, np.int8)
    found = population.cell(lanes).measures()["accuracy"]
    assert found.value == pytest.approx(population.probabilities.max(axis=1).mean())
    lanes[:5] = EXPLORE
    assert math.isnan(population.cell(lanes).measures()["accuracy"].low)


def test_calibration_is_told_from_chance() -> None:
    """Nearly nothing of a model that is calibrated, and the difference of one that is not."""
    rng = np.random.default_rng(1)
    said = rng.uniform(0.5, 1.0, 20_000)
    both = np.stack([1 - said, said], axis=1)
    for shift, wanted in ((0.0, 0.0), (-0.15, 0.15)):
        truth = (rng.random(20_000) < said + shift).astype(np.intp)
        population = Population(both, truth, np.full(20_000, 0.1))
        found = population.cell(population.asked(2)).calibration_error()
        assert found.value == pytest.approx(wanted, abs=0.05)
        assert found.low <= wanted + 0.05
        assert found.high >= wanted - 0.01
