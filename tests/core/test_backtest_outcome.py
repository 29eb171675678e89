"""What is kept of a run: by round, by segment and along the way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streamsel.backtest.outcome import MISSING, MOST_SEGMENTS, OTHERS, ROUNDS, summary
from streamsel.backtest.scores import score
from streamsel.backtest.trace import Trace
from tests.core.backtest_runs import PLAN, made_up, stream


@pytest.fixture
def trace() -> Trace:
    return made_up(stream(407), replace(PLAN, delay=20), lambda _: None)


def test_rounds_part_the_stream(trace: Trace) -> None:
    """Every event and every label learned is in just one, also labels that came after the last event."""
    rounds = summary(PLAN, trace).rounds
    assert len(rounds) == ROUNDS
    assert [one.name for one in rounds[:2]] == ["1–40", "41–81"]
    assert sum(one.events for one in rounds) == 407
    assert sum(one.labels for one in rounds) == np.count_nonzero(trace.learned_at >= 0)
    assert rounds[0].scores == score(trace.truth[:40], trace.probabilities[:40])


def test_a_stream_shorter_than_its_rounds_has_fewer() -> None:
    """One event each."""
    outcome = summary(PLAN, made_up(stream(4), PLAN, lambda _: None))
    assert [one.events for one in outcome.rounds] == [1, 1, 1, 1]
    assert [point.events for point in outcome.curve] == [1, 2, 3, 4]


def test_segments_count_their_own_events_and_labels(trace: Trace) -> None:
    """The most frequent first."""
    east, west = summary(PLAN, trace).segments
    assert (east.name, west.name) == ("shop = <b>east</b>", "shop = west")
    assert east.events + west.events == 407
    assert east.labels + west.labels == np.count_nonzero(trace.learned_at >= 0)


def test_a_field_of_very_many_values_is_cut_short(trace: Trace) -> None:
    """The rest are one segment, and so are events without the field."""
    shops: list[dict[str, str]] = [{"shop": f"shop {row % 100}"} for row in range(407)]
    shops[:50] = [{}] * 50
    segments = summary(PLAN, replace(trace, segments=shops)).segments
    assert len(segments) == MOST_SEGMENTS + 1
    assert segments[0].name == f"shop = {MISSING}"
    assert segments[-1].name == f"shop = {OTHERS}"
    assert sum(one.events for one in segments) == 407


def test_the_curve_follows_the_latest_events_and_the_labels_so_far(trace: Trace) -> None:
    """Labels are counted when they are learned, not when they were asked for."""
    curve = summary(PLAN, trace).curve
    assert curve[-1].events == 407
    assert curve[-1].scores == score(trace.truth[-40:], trace.probabilities[-40:])
    for point in curve:
        assert point.labels == np.count_nonzero((trace.learned_at >= 0) & (trace.learned_at <= point.events))
    # The first label is asked for at event 10 and learned 20 events later.
    assert [point.labels for point in curve if point.events < 30] == [0, 0]
