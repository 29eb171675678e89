"""What the gate spends over time: the fraction in the long run, never much more for a while."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from streamsel.selection import Gate, QueryRate

EVENTS = 10_000
FRACTION = 0.1
STRETCH = 500

DRIFTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "none": lambda base, _: base,
    "all alike": lambda base, _: np.ones_like(base),
    "rarely useful": lambda base, _: base**8,
    "surer and surer": lambda base, t: base * (1.0 - 0.7 * t),
    "less and less sure": lambda base, t: base * (0.3 + 0.7 * t),
    "suddenly sure": lambda base, t: np.where(t < 0.5, base, 0.3 * base),
    "suddenly unsure": lambda base, t: np.where(t < 0.5, 0.3 * base, 0.7 + 0.3 * base),
    "unfitted, then fitted": lambda base, t: np.where(t < 0.03, 1.0, base**3),
    "to and fro": lambda base, t: np.where((t * 5).astype(int) % 2, 0.7 + 0.3 * base, 0.3 * base),
    "in waves": lambda base, t: base * (0.6 + 0.4 * np.sin(t * 21.0)),
}
every_drift = pytest.mark.parametrize("drift", sorted(DRIFTS))


def spent(drift: str, micro_batch: int, window: int = 500, explore: float = 0.2) -> np.ndarray:
    """Which of the events are asked about under this drift of their utilities, 1 or 0."""
    rng = np.random.default_rng(11)
    utilities = DRIFTS[drift](rng.random(EVENTS), np.arange(EVENTS) / EVENTS)
    gate, rate = Gate(window), QueryRate(FRACTION, explore * FRACTION, 10**9, 1e9)
    lanes = [
        gate.decide(batch, rate, rng.random(len(batch)), rng.random(len(batch))).lanes
        for batch in np.split(utilities, range(micro_batch, EVENTS, micro_batch))
    ]
    return (np.concatenate(lanes) > 0).astype(int)


@every_drift
@pytest.mark.parametrize("micro_batch", [1, 50, 500])
def test_the_fraction_is_spent_in_the_long_run(drift: str, micro_batch: int) -> None:
    """Whatever the utilities do, what is asked over 10,000 events is the fraction, to 2.5 % of it."""
    assert spent(drift, micro_batch).mean() == pytest.approx(FRACTION, rel=0.025)


@every_drift
@pytest.mark.parametrize("window", [500, 2_000])
def test_no_stretch_of_events_spends_more_than_twice_its_share(drift: str, window: int) -> None:
    """In any 500 events in a row at most twice the fraction is asked, but for the luck of exploration."""
    totals = np.concatenate(([0], np.cumsum(spent(drift, 50, window))))
    most = (totals[STRETCH:] - totals[:-STRETCH]).max()
    assert most <= 2.0 * FRACTION * STRETCH + 3.0 * np.sqrt(0.2 * FRACTION * STRETCH)


@pytest.mark.parametrize("window", [1, 20, 2_000])
def test_windows_smaller_and_larger_than_a_micro_batch(window: int) -> None:
    """A window smaller than the micro-batch is the micro-batch; a longer one spends the fraction as well."""
    assert spent("none", 100, window).mean() == pytest.approx(FRACTION, rel=0.025)


def test_the_most_useful_events_are_asked_about() -> None:
    """Without drift and exploration nearly all that is asked lies in the top of the utilities."""
    rng = np.random.default_rng(5)
    utilities = rng.random(EVENTS)
    gate, rate = Gate(), QueryRate(FRACTION, 0.0, 10**9, 0.0)
    asked = np.concatenate(
        [gate.decide(batch, rate, rng.random(50), rng.random(50)).lanes for batch in np.split(utilities, 200)]
    )
    assert utilities[asked > 0].mean() > 1.0 - 0.7 * FRACTION


def test_a_closed_gate_opens_without_arrears() -> None:
    """What could not be asked while the fraction was 0 is not made up for afterwards."""
    rng = np.random.default_rng(6)
    gate = Gate()
    for fraction, most in ((0.1, 300), (0.0, 0), (0.1, 150)):
        rate = QueryRate(fraction, 0.0, 10**9, 0.0)
        asked = sum(
            int(gate.decide(rng.random(50), rate, rng.random(50), rng.random(50)).lanes.sum())
            for _ in range(20)
        )
        assert asked <= most


def test_a_window_of_no_event_is_refused() -> None:
    """There is no quantile of nothing."""
    with pytest.raises(ValueError, match="window must be at least 1 event, not 0"):
        Gate(0)
