"""Backlog, age and how busy reviewers were, from the course of a run."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from streamsel.backtest.courses import age_curve, age_p95, backlog_curve, backlog_p95, busy
from streamsel.backtest.trace import ReviewCourse

# Nobody waits for 900 s, ten for 60 s, thirty for 40 s.
COURSE = ReviewCourse(
    backlog_at=np.array([0.0, 900.0, 960.0]),
    backlog=np.array([0, 10, 30]),
    answered_at=np.array([100.0, 500.0, 999.0]),
    ages=np.array([10.0, 50.0, 30.0]),
    expired=0,
    ended_at=1_000.0,
    review_seconds=450.0,
    present_seconds=900.0,
)


def test_the_backlog_counts_by_how_long_it_lasted() -> None:
    """Not by how often it changed: 4 % of the time above ten is not the 95th percentile."""
    assert backlog_p95(COURSE) == 10.0
    assert backlog_p95(replace(COURSE, ended_at=1_060.0)) == 30.0


def test_the_age_is_of_answers() -> None:
    """Interpolated as numpy does."""
    assert age_p95(COURSE) == pytest.approx(48.0)


def test_busy_is_of_the_time_reviewers_were_there() -> None:
    """Absence is not idleness."""
    assert busy(COURSE) == 0.5


def test_what_never_was_has_no_figure() -> None:
    """A run that ends with its first event."""
    nothing = ReviewCourse(np.array([0.0]), np.array([0]), np.array([]), np.array([]), 0, 0.0, 0.0, 0.0)
    assert math.isnan(backlog_p95(nothing))
    assert math.isnan(age_p95(nothing))
    assert math.isnan(busy(nothing))


def test_curves_keep_the_peaks() -> None:
    """However short; in minutes, with nothing where nothing was answered."""
    peak = replace(
        COURSE, backlog_at=np.array([0.0, 501.0, 501.1]), backlog=np.array([0, 99, 0]), ended_at=1_000.0
    )
    minutes, backlog = backlog_curve(peak)
    assert backlog.max() == 99
    assert np.count_nonzero(backlog) == 1
    assert minutes[backlog.argmax()] == pytest.approx(501 / 60, abs=0.2)
    _, ages = age_curve(COURSE)
    assert sorted(ages[~np.isnan(ages)]) == [10.0, 30.0, 50.0]
