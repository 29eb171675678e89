"""Scoring and selection on one core, in a small form."""

import pytest

from loadtest.contestant_scoring import Size
from loadtest.scoring import scoring


@pytest.mark.slow
def test_scoring_fills_in_every_figure() -> None:
    """Each part in a process of its own, and an hour of reviewers."""
    figures = scoring(Size(events=1_000, labels=200, rounds=1), hours=1)
    assert {"gate_us", "gate_busy_us", "gate_entropy_us", "river_events_per_second"} <= figures.keys()
    assert all(figures[name] > 0 for name in ("portfolio_events_per_second", "screening_speedup"))
    assert -1.0 <= figures["screening_loss"] <= 1.0
    assert 0.0 <= figures["capacity"]["reviewers_busy"] <= 1.0
