"""The gate: exact shares, exact propensities, and never more than there is room for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from streamsel.selection import QueryRate, draws
from streamsel.selection.gate import EXPLORE, NONE, UNCERTAIN, decide

shares = st.floats(0.0, 1.0)
any_utilities = st.integers(1, 60).flatmap(
    lambda count: arrays(np.float64, count, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]) | shares)
)


def unbounded(fraction: float, explore: float) -> QueryRate:
    """A rate with room for everything."""
    return QueryRate(fraction, explore, room=10**9, explore_room=1e9)


def undrawn(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws by which only what is certain to be asked about is."""
    return np.full(count, 1.0 - 2**-32), np.full(count, 1.0 - 2**-32)


@given(any_utilities, shares, shares)
def test_the_expected_share_is_exact(utilities: np.ndarray, fraction: float, part: float) -> None:
    """Over its own window the propensities add up to just the fraction, however many utilities are equal."""
    explore = fraction * part
    decided = decide(utilities, utilities, unbounded(fraction, explore), *undrawn(len(utilities)))
    assert decided.propensities.mean() == pytest.approx(fraction, abs=1e-9)
    assert (decided.propensities >= explore - 1e-12).all()
    assert (decided.propensities <= 1.0).all()


@given(any_utilities, st.integers(0, 60))
def test_room_bounds_what_is_expected(utilities: np.ndarray, room: int) -> None:
    """The expected number of queries is within the room, and the most useful events get it."""
    decided = decide(utilities, utilities, QueryRate(1.0, 0.0, room, 0.0), *undrawn(len(utilities)))
    assert decided.propensities.sum() == pytest.approx(min(room, len(utilities)))
    assert (np.diff(decided.propensities[np.argsort(utilities)]) >= 0.0).all()


@given(
    st.lists(shares, min_size=1, max_size=60, unique=True).map(np.array),
    st.integers(0, 60),
    shares,
    st.integers(0, 2**32),
)
def test_room_is_never_exceeded(utilities: np.ndarray, room: int, fraction: float, seed: int) -> None:
    """With distinct utilities no draw lets more events into the uncertain lane than there is room for."""
    rng = np.random.default_rng(seed)
    recent = np.concatenate((rng.random(200), utilities))
    rate = QueryRate(fraction, 0.1 * fraction, room, explore_room=room)
    decided = decide(utilities, recent, rate, rng.random(len(utilities)), rng.random(len(utilities)))
    assert np.count_nonzero(decided.lanes == UNCERTAIN) <= room


@given(any_utilities, st.integers(0, 60), st.floats(0.0, 1.0))
def test_exploration_takes_its_part_of_the_room(utilities: np.ndarray, room: int, part: float) -> None:
    """Both lanes together stay within the room in expectation, to half a query."""
    rate = QueryRate(1.0, part, room, explore_room=part * room)
    decided = decide(utilities, utilities, rate, *undrawn(len(utilities)))
    assert decided.propensities.sum() <= room + 0.5 + 1e-9


@given(any_utilities, st.floats(0.0, 0.5), st.integers(0, 2**32))
def test_exploration_does_not_look_at_utility(utilities: np.ndarray, explore: float, seed: int) -> None:
    """An event is explored when its draw says so, whatever its utility and whatever room there is."""
    rng = np.random.default_rng(seed)
    drawn = rng.random(len(utilities))
    rate = QueryRate(0.0, explore, room=0, explore_room=1e9)
    decided = decide(utilities, utilities, rate, drawn, rng.random(len(utilities)))
    assert ((decided.lanes == EXPLORE) == (drawn < explore)).all()
    assert (decided.lanes != UNCERTAIN).all()
    assert decided.propensities == pytest.approx(explore)


@given(any_utilities, st.floats(0.0, 20.0))
def test_exploration_has_room_of_its_own(utilities: np.ndarray, explore_room: float) -> None:
    """However large the share, no more is explored in expectation than ``explore_room``, exactly so drawn."""
    rate = QueryRate(0.0, 0.9, room=0, explore_room=explore_room)
    decided = decide(utilities, utilities, rate, *undrawn(len(utilities)))
    assert decided.propensities.sum() <= explore_room + 1e-9
    assert decided.propensities == pytest.approx(decided.explore_fraction)


@settings(max_examples=300)
@given(any_utilities, any_utilities, shares, shares, st.integers(0, 50), st.floats(0.0, 50.0))
def test_decisions_are_numbers(
    utilities: np.ndarray, before: np.ndarray, fraction: float, explore: float, room: int, explore_room: float
) -> None:
    """Whatever the rate, propensities lie in [0, 1] and an event certain to be asked about is."""
    recent = np.concatenate((before, utilities))
    rate = QueryRate(fraction, explore, room, explore_room)
    decided = decide(utilities, recent, rate, *undrawn(len(utilities)))
    assert ((decided.propensities >= 0.0) & (decided.propensities <= 1.0)).all()
    assert not np.isnan(decided.threshold)
    assert decided.threshold > float("-inf")
    assert (decided.lanes[decided.propensities == 1.0] != NONE).all()
    assert (decided.lanes[decided.propensities == 0.0] == NONE).all()


@pytest.mark.parametrize(
    ("fraction", "explore", "lane"), [(0.0, 0.0, NONE), (1.0, 0.0, UNCERTAIN), (1.0, 1.0, EXPLORE)]
)
def test_nothing_and_everything(fraction: float, explore: float, lane: int) -> None:
    """A fraction of 0 asks nothing, of 1 everything, all of it at random if so told."""
    utilities = np.linspace(0.0, 1.0, 50)
    decided = decide(utilities, utilities, unbounded(fraction, explore), *draws([str(n) for n in range(50)]))
    assert set(decided.lanes.tolist()) == {lane}
    assert decided.propensities == pytest.approx(fraction)


def test_no_event_is_no_decision() -> None:
    """An empty micro-batch is decided to nothing."""
    decided = decide(np.empty(0), np.linspace(0, 1, 9), unbounded(0.5, 0.1), np.empty(0), np.empty(0))
    assert len(decided.lanes) == len(decided.propensities) == 0


@pytest.mark.parametrize("room", [10**9, 7])
def test_propensities_are_the_frequencies(room: int) -> None:
    """Over 200,000 draws from event ids, each utility is asked about as often as its propensity says."""
    rng = np.random.default_rng(3)
    utilities = np.concatenate((rng.random(60), np.full(25, 0.5), np.full(15, 0.97)))
    rate = QueryRate(0.2, 0.04, room, explore_room=3.0)
    repeats = 200_000 // len(utilities)
    asked = np.zeros((3, len(utilities)))
    decided = decide(utilities, utilities, rate, *undrawn(len(utilities)))
    for repeat in range(repeats):
        ids = [f"{repeat}-{row}" for row in range(len(utilities))]
        lanes = decide(utilities, utilities, rate, *draws(ids)).lanes
        asked[lanes, np.arange(len(utilities))] += 1
    uncertain, explore = decided.propensities - decided.explore_fraction, decided.explore_fraction
    for observed, chance in (
        (asked[UNCERTAIN], uncertain),
        (asked[EXPLORE], np.full(len(utilities), explore)),
    ):
        possible = (chance > 1e-12) & (chance < 1.0 - 1e-12)
        assert (observed[~possible] == repeats * np.round(chance[~possible])).all()
        expected, spread = repeats * chance[possible], repeats * chance[possible] * (1.0 - chance[possible])
        statistic = float(((observed[possible] - expected) ** 2 / spread).sum())
        freedom = int(possible.sum())
        assert statistic < freedom + 4.0 * np.sqrt(2.0 * freedom)
