"""The pace of the demo's events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.demo.pace import Pace

PACE = Pace(events=20_000, events_per_second=500.0, burst_factor=4.0, burst_share=0.1)


@given(st.floats(0.0, 100.0), st.floats(0.0, 10.0))
def test_events_only_ever_come(seconds: float, more: float) -> None:
    """What is due never falls, and never exceeds the stream."""
    assert 0 <= PACE.due(seconds) <= PACE.due(seconds + more) <= PACE.events


@pytest.mark.parametrize(
    ("seconds", "events"),
    [(0.0, 0), (10.0, 5_000), (20.0, 10_000), (20.5, 11_000), (21.0, 12_000), (31.0, 17_000), (37.0, 20_000)],
)
def test_the_burst_is_in_the_middle_and_four_times_as_fast(seconds: float, events: int) -> None:
    """Half of the events, a tenth within a second, the rest."""
    assert PACE.due(seconds) == events


def test_the_burst_is_on_while_its_events_come() -> None:
    """From the middle, for its share."""
    assert [PACE.bursting(events) for events in (9_999, 10_000, 11_999, 12_000)] == [False, True, True, False]
