"""Weighted means with intervals."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.services.report.means import LEAST, Mean

values = st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.125, 64.0)), min_size=LEAST, max_size=40)


def mean_of(pairs: list[tuple[float, float]]) -> Mean:
    mean = Mean()
    for value, weight in pairs:
        mean.add(value, weight)
    return mean


def test_nothing_has_no_mean() -> None:
    """And no interval."""
    assert (Mean().value, Mean().interval(), Mean().effective) == (None, None, 0.0)


@given(values)
def test_the_mean_lies_among_its_values_and_in_its_interval(pairs: list[tuple[float, float]]) -> None:
    """Whatever the weights; as many values at most as there are."""
    mean = mean_of(pairs)
    interval = mean.interval(0.0, 1.0)
    assert mean.value is not None
    assert interval is not None
    low, high = interval
    assert min(value for value, _ in pairs) - 1e-9 <= mean.value <= max(value for value, _ in pairs) + 1e-9
    assert 0.0 <= low <= mean.value + 1e-9
    assert mean.value - 1e-9 <= high <= 1.0
    assert mean.effective <= len(pairs) + 1e-9


@given(values, st.floats(0.25, 4.0))
def test_only_proportions_of_weights_count(pairs: list[tuple[float, float]], factor: float) -> None:
    """All of them larger changes neither the mean nor its interval."""
    one = mean_of(pairs)
    other = mean_of([(value, factor * weight) for value, weight in pairs])
    assert other.value == pytest.approx(one.value)
    assert other.interval() == pytest.approx(one.interval(), abs=1e-6)
    assert other.effective == pytest.approx(one.effective)


def test_few_values_have_no_interval() -> None:
    """It would promise what it can't keep."""
    assert mean_of([(0.5, 1.0)] * (LEAST - 1)).interval() is None
    assert mean_of([(0.5, 1.0)] * LEAST).interval() is not None


def test_the_interval_covers_the_mean_of_a_stream_that_was_sampled_by_what_is_measured() -> None:
    """Events with a low value are asked about ten times as often: the plain mean is off, the weighted is not,
    and 95 % of the intervals hold the truth."""
    draw = random.Random(7)
    covered, plain = 0, []
    for _ in range(200):
        weighted, unweighted = Mean(), Mean()
        for _ in range(1_500):
            value = float(draw.random() < 0.8)
            propensity = 0.1 if value else 0.5
            if draw.random() < propensity:
                weighted.add(value, 1.0 / propensity)
                unweighted.add(value)
        interval = weighted.interval()
        assert interval is not None
        covered += interval[0] <= 0.8 <= interval[1]
        plain.append(unweighted.value or 0.0)
    assert 180 <= covered <= 199
    assert max(plain) < 0.6
