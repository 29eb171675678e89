"""What the gate spends over time: the fraction over any 10,000 events, never much more over any 500."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.selection import Gate, QueryRate
from streamsel.selection.gate import EXPLORE, UNCERTAIN
from streamsel.selection.opening import Opening

EVENTS = 30_000

DRIFTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "none": lambda base, _: base,
    "all alike": lambda base, _: np.ones_like(base),
    "no opinion": lambda base, _: np.full_like(base, np.nan),
    "rarely useful": lambda base, _: base**8,
    "surer and surer": lambda base, t: base * (1.0 - 0.7 * t),
    "less and less sure": lambda base, t: base * (0.3 + 0.7 * t),
    "suddenly sure": lambda base, t: np.where(t < 0.5, base, 0.3 * base),
    "suddenly unsure": lambda base, t: np.where(t < 0.5, 0.3 * base, 0.7 + 0.3 * base),
    "unfitted, then fitted": lambda base, t: np.where(t < 0.03, 1.0, base**3),
    "to and fro": lambda base, t: np.where((t * 10).astype(int) % 2, 0.7 + 0.3 * base, 0.3 * base),
    "in waves": lambda base, t: base * (0.6 + 0.4 * np.sin(t * 60.0)),
    "sorted": lambda base, t: t + 0.0 * base,
    "sorted within micro-batches": lambda base, t: (t * 60.0) % 1.0 + 0.01 * base,
}


def lanes_of(
    drift: str,
    fraction: float,
    explore: float,
    micro_batches: list[int],
    window: int = 500,
    seed: int = 11,
    *,
    new: bool = False,
) -> np.ndarray:
    """How each event is decided, in micro-batches of these sizes, over and over, of a ``new`` stream or one
    that is known."""
    rng = np.random.default_rng(seed)
    utilities = DRIFTS[drift](rng.random(EVENTS), np.arange(EVENTS) / EVENTS)
    gate, rate = Gate(window), QueryRate(fraction, explore * fraction, 10**9, 1e9)
    opening = Opening()
    cuts = np.cumsum(np.resize(micro_batches, EVENTS // min(micro_batches) + 1))
    return np.concatenate(
        [
            gate.decide(
                batch,
                opening.spread(rate, len(batch), nothing_known=new),
                rng.random(len(batch)),
                rng.random(len(batch)),
            ).lanes
            for batch in np.split(utilities, cuts[cuts < EVENTS])
        ]
    )


def asked_in_any(stretch: int, lanes: np.ndarray) -> np.ndarray:
    """How many of every stretch of events in a row were asked about."""
    totals = np.concatenate(([0], np.cumsum(lanes > 0)))
    return totals[stretch:] - totals[:-stretch]


@settings(max_examples=60)
@given(
    drift=st.sampled_from(sorted(DRIFTS)),
    fraction=st.floats(0.005, 0.3),
    explore=st.floats(0.0, 1.0),
    micro_batches=st.lists(st.sampled_from([20, 50, 130, 500]), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
    new=st.booleans(),
)
def test_the_fraction_is_spent_over_any_stretch(
    drift: str, fraction: float, explore: float, micro_batches: list[int], seed: int, new: bool
) -> None:
    """Any 10,000 events are charged their fraction to 2 %, any 500 at most twice theirs. Where that is less
    than a few queries, the band's 2.5 queries and the luck of exploration are what may be missing or over."""
    lanes = lanes_of(drift, fraction, explore, micro_batches, seed=seed, new=new)
    luck = 4.0 * explore
    share = 10_000 * fraction
    assert np.abs(asked_in_any(10_000, lanes) - share).max() <= max(0.02 * share, 3.0 + luck)
    assert asked_in_any(500, lanes).max() <= max(1_000 * fraction, 500 * fraction + 3.0 + luck)


@pytest.mark.parametrize(
    ("drift", "micro_batch"), [(drift, size) for drift in sorted(DRIFTS) for size in (7, 500)] + [("none", 1)]
)
def test_the_fraction_is_spent_whatever_the_utilities_do(drift: str, micro_batch: int) -> None:
    """A tenth of the events, a fifth of those explored: to 2 %, in any 500 with a third more at most."""
    lanes = lanes_of(drift, 0.1, 0.2, [micro_batch])
    assert np.abs(asked_in_any(10_000, lanes) - 1_000).max() <= 20
    assert asked_in_any(500, lanes).max() <= 66
    if "sorted" not in drift:
        assert (lanes == EXPLORE).sum() == pytest.approx(0.02 * EVENTS, rel=0.15)


@pytest.mark.parametrize("fraction", [0.005, 0.01, 0.015])
@pytest.mark.parametrize("micro_batch", [10, 500])
def test_small_fractions_are_exact_to_the_query(fraction: float, micro_batch: int) -> None:
    """Without exploration no 10,000 events are charged more than the band, 2.5 queries, over or under."""
    lanes = lanes_of("in waves", fraction, 0.0, [micro_batch])
    assert np.abs(asked_in_any(10_000, lanes) - 10_000 * fraction).max() <= 2.5


@pytest.mark.parametrize("window", [1, 20, 2_000])
def test_windows_smaller_and_larger_than_a_micro_batch(window: int) -> None:
    """A window smaller than the micro-batch is the micro-batch; a longer one spends the fraction as well."""
    lanes = lanes_of("none", 0.1, 0.2, [100], window)
    assert np.abs(asked_in_any(10_000, lanes) - 1_000).max() <= 20


@pytest.mark.parametrize(("fraction", "loss"), [(0.01, 3.0), (0.02, 1.6), (0.1, 0.2), (0.3, 0.1)])
@pytest.mark.parametrize("micro_batch", [10, 500])
def test_the_most_useful_events_are_asked_about(fraction: float, loss: float, micro_batch: int) -> None:
    """Without drift nearly all that is asked lies in the top of the utilities: the ranks of what is asked
    fall short of the best possible by no more than this many fractions."""
    rng = np.random.default_rng(5)
    utilities = rng.random(EVENTS)
    gate, rate = Gate(), QueryRate(fraction, 0.0, 10**9, 0.0)
    asked = np.concatenate(
        [
            gate.decide(batch, rate, rng.random(len(batch)), rng.random(len(batch))).lanes == UNCERTAIN
            for batch in np.split(utilities, EVENTS // micro_batch)
        ]
    )
    assert utilities[asked].mean() > 1.0 - (0.5 + loss) * fraction


def test_a_closed_gate_opens_without_arrears() -> None:
    """What could not be asked while the fraction was 0, or the room was, is not made up for afterwards."""
    rng = np.random.default_rng(6)
    gate = Gate()
    for fraction, room, most in ((0.1, 10**9, 110), (0.0, 10**9, 0), (0.1, 0, 0), (0.1, 10**9, 115)):
        rate = QueryRate(fraction, 0.0, room, 0.0)
        asked = sum(
            int(np.count_nonzero(gate.decide(rng.random(50), rate, rng.random(50), rng.random(50)).lanes))
            for _ in range(20)
        )
        assert 0.9 * most <= asked <= most


def test_what_was_asked_in_excess_is_not_avenged() -> None:
    """After a thousand events at a high fraction, a lower one is spent from the first stretch on."""
    rng = np.random.default_rng(6)
    gate = Gate()
    asked = {
        fraction: sum(
            np.count_nonzero(
                gate.decide(batch, QueryRate(fraction, 0.0, 10**9, 0.0), rng.random(50), rng.random(50)).lanes
            )
            for batch in np.split(rng.random(events), events // 50)
        )
        for fraction, events in ((0.5, 1_000), (0.02, 500))
    }
    assert 5 <= asked[0.02] <= 14


def test_a_window_of_no_event_is_refused() -> None:
    """There is no quantile of nothing."""
    with pytest.raises(ValueError, match="window must be at least 1 event, not 0"):
        Gate(0)
