"""How simulated reviewers fared, in figures and in curves."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from streamsel.backtest.trace import Floats, ReviewCourse

_STRETCHES = 150
"""Of a curve over time."""


def backlog_p95(course: ReviewCourse) -> float:
    """95th percentile of the backlog over time; NaN for a run that took none."""
    spent = np.diff(np.append(course.backlog_at, course.ended_at))
    if not spent.sum() > 0.0:
        return float("nan")
    order = np.argsort(course.backlog, kind="stable")
    share = np.cumsum(spent[order]) / spent.sum()
    return float(course.backlog[order][min(int(np.searchsorted(share, 0.95)), len(order) - 1)])


def age_p95(course: ReviewCourse) -> float:
    """95th percentile of the seconds from asking to answer; NaN without an answer."""
    return float(np.percentile(course.ages, 95)) if len(course.ages) else float("nan")


def busy(course: ReviewCourse) -> float:
    """Share of the time reviewers were there that they spent on reviews; NaN when they never were."""
    return course.review_seconds / course.present_seconds if course.present_seconds else float("nan")


def backlog_curve(course: ReviewCourse) -> tuple[Floats, Floats]:
    """Minutes, and the largest backlog in each of many equal stretches of time."""
    edges = np.linspace(0.0, course.ended_at, _STRETCHES + 1)
    holds = np.searchsorted(course.backlog_at, edges, side="right") - 1
    largest = [course.backlog[first : last + 1].max() for first, last in pairwise(holds.tolist())]
    return edges[:-1] / 60.0, np.array(largest, dtype=np.float64)


def age_curve(course: ReviewCourse) -> tuple[Floats, Floats]:
    """Minutes, and the highest age of an answer in each of many equal stretches; NaN without answers."""
    edges = np.linspace(0.0, course.ended_at, _STRETCHES + 1)
    first = np.searchsorted(course.answered_at, edges)
    oldest = [
        course.ages[start:stop].max() if stop > start else np.nan for start, stop in pairwise(first.tolist())
    ]
    return edges[:-1] / 60.0, np.array(oldest, dtype=np.float64)
