"""What is kept of a run: its scores over all events, by round, by segment and along the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from streamsel.backtest.scores import Scores, score
from streamsel.backtest.trace import Plan, ReviewCourse, Trace

ROUNDS = 10
CURVE_POINTS = 40
MOST_SEGMENTS = 30
"""Of each field; the rest are taken together."""
OTHERS = "(all others)"
MISSING = "(missing)"


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the events."""

    name: str
    events: int
    labels: int
    """Learned during a round, or of a segment's events."""
    scores: Scores


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of a run."""

    events: int
    """Decided by then."""
    labels: int
    """Learned by then."""
    scores: Scores
    """Over the latest events: as many as a round has, at first fewer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run in figures."""

    plan: Plan
    events: int
    labels: int
    """Learned, but for seed labels."""
    scores: Scores
    rounds: Sequence[Part]
    """Ten stretches of the stream, about equal; fewer of a stream of fewer events."""
    segments: Sequence[Part]
    """Named ``field = value``, the most frequent first within each field."""
    curve: Sequence[Point]
    """Spread evenly, the last one at the end."""
    course: ReviewCourse | None
    seconds: float
    digest: str
    model_version: int


def summary(plan: Plan, trace: Trace) -> Outcome:
    """The outcome of a run."""
    events = len(trace.truth)
    return Outcome(
        plan=plan,
        events=events,
        labels=int(np.count_nonzero(trace.learned_at >= 0)),
        scores=score(trace.truth, trace.probabilities),
        rounds=_rounds(trace),
        segments=_segments(trace),
        curve=_curve(trace),
        course=trace.course,
        seconds=trace.seconds,
        digest=trace.digest,
        model_version=trace.model_version,
    )


def _rounds(trace: Trace) -> list[Part]:
    edges = np.linspace(0, len(trace.truth), min(ROUNDS, len(trace.truth)) + 1).astype(np.int64)
    parts = []
    for start, stop in pairwise(edges.tolist()):
        # What is learned after the last event belongs to no round but the last.
        until = stop if stop < len(trace.truth) else stop + 1
        labels = np.count_nonzero((trace.learned_at >= start) & (trace.learned_at < until))
        parts.append(_part(trace, f"{start + 1:,}–{stop:,}", slice(start, stop), int(labels)))
    return parts


def _curve(trace: Trace) -> list[Point]:
    events = len(trace.truth)
    learned = np.sort(trace.learned_at[trace.learned_at >= 0])
    width = max(events // ROUNDS, 1)
    points = []
    for stop in np.unique(np.linspace(0, events, CURVE_POINTS + 1).astype(np.int64)[1:]).tolist():
        latest = slice(max(stop - width, 0), stop)
        labels = int(np.searchsorted(learned, stop, "right"))
        points.append(Point(stop, labels, score(trace.truth[latest], trace.probabilities[latest])))
    return [point for point in points if point.events]


def _segments(trace: Trace) -> list[Part]:
    if trace.segments is None:
        return []
    parts = []
    for field in sorted({field for segments in trace.segments for field in segments}):
        values = np.array([segments.get(field, MISSING) for segments in trace.segments], dtype=object)
        found, counts = np.unique(values, return_counts=True)
        ranked = found[np.argsort(-counts, kind="stable")]
        shown = ranked[:MOST_SEGMENTS]
        parts += [_segment(trace, f"{field} = {value}", values == value) for value in shown]
        if len(ranked) > MOST_SEGMENTS:
            parts.append(_segment(trace, f"{field} = {OTHERS}", ~np.isin(values, shown)))
    return parts


def _segment(trace: Trace, name: str, among: NDArray[np.bool_]) -> Part:
    return _part(trace, name, among, int(np.count_nonzero(trace.learned_at[among] >= 0)))


def _part(trace: Trace, name: str, among: slice | NDArray[np.bool_], labels: int) -> Part:
    truth = trace.truth[among]
    return Part(name, len(truth), labels, score(truth, trace.probabilities[among]))
