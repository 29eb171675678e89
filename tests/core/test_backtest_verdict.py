"""Intervals, labels saved, and what a verdict says, good or bad."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.backtest.intervals import interval
from streamsel.backtest.outcome import Outcome, summary
from streamsel.backtest.verdict import deciding_measure, equal_quality, verdict
from tests.core.backtest_runs import PLAN, made_up, stream

RUN = summary(PLAN, made_up(stream(), PLAN, lambda _: None))


def runs(*accuracies: float, roc_auc: float = 0.9) -> list[Outcome]:
    return [
        replace(RUN, scores=replace(RUN.scores, accuracy=accuracy, roc_auc=roc_auc + 0.001 * seed))
        for seed, accuracy in enumerate(accuracies)
    ]


@pytest.mark.parametrize("count", [2, 3, 10, 29, 30, 100])
def test_an_interval_holds_95_percent_of_students_distribution(count: int) -> None:
    """Its density, integrated over the interval of values of which it knows the standard error."""
    values = np.random.default_rng(count).normal(size=count)
    found = interval(values.tolist())
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.mean == pytest.approx(found.mean - found.low)
    quantile = (found.high - found.mean) / (values.std(ddof=1) / math.sqrt(count))
    degrees = count - 1
    at = np.linspace(-quantile, quantile, 200_001)
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)
    density = scale * (1 + at**2 / degrees) ** (-(degrees + 1) / 2)
    assert np.trapezoid(density, at) == pytest.approx(0.95, abs=3e-4)


def test_one_value_has_no_interval() -> None:
    """And what could not be measured is left out."""
    assert interval([2.0, math.nan]).mean == 2.0
    assert math.isnan(interval([2.0, math.nan]).low)
    assert math.isnan(interval([]).mean)


@pytest.mark.parametrize(
    ("selected", "random", "pays", "words"),
    [
        ((0.90, 0.93, 0.91), (0.88, 0.91, 0.88), "yes", "Active selection pays"),
        ((0.88, 0.91, 0.88), (0.90, 0.93, 0.91), "no", "does not pay on this stream: it is worse"),
        (
            (0.90, 0.92, 0.94),
            (0.90, 0.92, 0.941),
            "no",
            "does not pay on this stream: random labels do as well",
        ),
        ((0.90, 0.95, 0.85), (0.88, 0.90, 0.89), "unclear", "do not show that active selection pays"),
        ((0.90,), (0.80,), "unclear", "One run does not show"),
    ],
)
def test_the_verdict_says_whether_it_pays(
    selected: Sequence[float], random: Sequence[float], pays: str, words: str
) -> None:
    """By the differences seed by seed, not by the means alone."""
    said = verdict("entropy", runs(*selected), runs(*random), "accuracy")
    assert said.pays == pays
    assert words in said.headline


def test_a_gain_paid_for_elsewhere_is_told() -> None:
    """Accuracy up, ROC AUC down: both are said."""
    selected = runs(0.90, 0.93, 0.91, roc_auc=0.85)
    said = verdict("entropy", selected, runs(0.88, 0.91, 0.88, roc_auc=0.9), "accuracy")
    assert said.pays == "yes"
    assert "It costs ROC AUC: -5.00 points (95 % interval -5.00 to -5.00)." in said.reasons


def test_average_precision_decides_where_a_label_is_rare() -> None:
    """There accuracy is high for knowing nothing."""
    assert deciding_measure(np.array([0] * 96 + [1] * 4)) == "average_precision"
    assert deciding_measure(np.array([0] * 90 + [1] * 10)) == "accuracy"


RUNGS = [(100.0, 0.8), (400.0, 0.9), (200.0, 0.85), (1_600.0, 0.95)]


def test_labels_of_equal_quality_lie_between_two_rungs() -> None:
    """Half-way in quality is half-way in the logarithm of the labels."""
    assert equal_quality(0.925, RUNGS).labels == pytest.approx(800.0)
    assert equal_quality(0.9, RUNGS).labels == 400.0
    assert equal_quality(0.9, RUNGS).bound == "about"


def test_beyond_the_rungs_only_a_bound_is_known() -> None:
    """Nothing is extrapolated."""
    assert (equal_quality(0.96, RUNGS).bound, equal_quality(0.96, RUNGS).labels) == ("more than", 1_600.0)
    assert (equal_quality(0.7, RUNGS).bound, equal_quality(0.7, RUNGS).labels) == ("fewer than", 100.0)


@given(
    st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 1)), min_size=1, max_size=8),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_more_quality_never_needs_fewer_labels(
    rungs: list[tuple[float, float]], one: float, other: float
) -> None:
    """Also where quality fell with more labels, by luck."""
    lower, higher = sorted((one, other))
    assert equal_quality(lower, rungs).labels <= equal_quality(higher, rungs).labels * (1 + 1e-9)
