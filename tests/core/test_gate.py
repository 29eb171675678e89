"""The gate: exact propensities, ranks before utilities, and never more than there is room for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from streamsel.selection import Gate, GateDecisions, QueryRate, draws
from streamsel.selection.gate import EXPLORE, LEAST, NONE, RULE, UNCERTAIN
from streamsel.selection.ruling import NEVER, SUPPRESSED, Ruling

shares = st.floats(0.0, 1.0)
any_utilities = st.integers(1, 60).flatmap(
    lambda count: arrays(np.float64, count, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]) | shares)
)


def unbounded(fraction: float, explore: float) -> QueryRate:
    """A rate with room for everything."""
    return QueryRate(fraction, explore, room=10**9, explore_room=1e9)


def decided(
    rate: QueryRate, utilities: np.ndarray, rng: np.random.Generator, ruling: Ruling | None = None
) -> GateDecisions:
    """One micro-batch at a gate that has seen none before."""
    return Gate().decide(utilities, rate, rng.random(len(utilities)), rng.random(len(utilities)), ruling)


def ranked(*ranks: float, costs: np.ndarray | None = None) -> Ruling:
    return Ruling(np.array(ranks), costs)


@settings(max_examples=300)
@given(any_utilities, any_utilities, shares, shares, st.integers(0, 50), st.floats(0.0, 50.0))
def test_decisions_are_numbers(
    before: np.ndarray, utilities: np.ndarray, fraction: float, explore: float, room: int, explore_room: float
) -> None:
    """Whatever the rate, propensities lie in [0, 1]; the certain is asked about, the impossible not."""
    rng, gate = np.random.default_rng(room), Gate()
    rate = QueryRate(fraction, explore, room, explore_room)
    for batch in (before, utilities):
        found = gate.decide(batch, rate, rng.random(len(batch)), rng.random(len(batch)))
        assert ((found.propensities >= 0.0) & (found.propensities <= 1.0)).all()
        assert not np.isnan(found.threshold)
        assert found.threshold > float("-inf")
        assert (found.lanes[found.propensities == 1.0] != NONE).all()
        assert (found.lanes[found.propensities == 0.0] == NONE).all()


@given(any_utilities, shares, st.integers(0, 60), st.integers(0))
def test_room_is_never_exceeded(utilities: np.ndarray, fraction: float, room: int, seed: int) -> None:
    """No draw lets more events in for their utility than there is room for."""
    rate = QueryRate(fraction, 0.1 * fraction, room, explore_room=room)
    found = decided(rate, utilities, np.random.default_rng(seed))
    assert np.count_nonzero(found.lanes == UNCERTAIN) <= room


@given(any_utilities, st.floats(0.0, 0.5), st.integers(0))
def test_exploration_does_not_look_at_utility(utilities: np.ndarray, explore: float, seed: int) -> None:
    """Without room for others, the events explored are those whose draws say so, whatever their utilities."""
    rng = np.random.default_rng(seed)
    drawn, ties = rng.random(len(utilities)), rng.random(len(utilities))
    rate = QueryRate(explore, explore, room=0, explore_room=1e9)
    one, other = (
        Gate().decide(utilities, rate, drawn, ties),
        Gate().decide(1.0 - utilities, rate, drawn, ties),
    )
    assert (one.lanes == other.lanes).all()
    assert one.propensities == pytest.approx(other.propensities)
    assert set(one.lanes.tolist()) <= {NONE, EXPLORE}
    assert ((drawn < one.propensities) == (one.lanes == EXPLORE)).all()
    assert (one.propensities >= LEAST * explore - 1e-12).all()


@given(any_utilities, st.floats(0.0, 20.0), st.integers(0))
def test_exploration_has_room_of_its_own(utilities: np.ndarray, explore_room: float, seed: int) -> None:
    """However large the share, no more is explored in expectation than ``explore_room``, and that is told."""
    rate = QueryRate(0.0, 0.9, room=0, explore_room=explore_room)
    found = decided(rate, utilities, np.random.default_rng(seed))
    assert found.propensities.sum() <= explore_room + 1e-9
    assert found.propensities.mean() == pytest.approx(found.explore_fraction)


@pytest.mark.parametrize(
    ("fraction", "explore", "lane"), [(0.0, 0.0, NONE), (1.0, 0.0, UNCERTAIN), (1.0, 1.0, EXPLORE)]
)
def test_nothing_and_everything(fraction: float, explore: float, lane: int) -> None:
    """A fraction of 0 asks nothing, of 1 everything, all of it at random if so told."""
    utilities = np.linspace(0.0, 1.0, 50)
    found = Gate().decide(utilities, unbounded(fraction, explore), *draws([str(n) for n in range(50)]))
    assert set(found.lanes.tolist()) == {lane}
    assert found.propensities == pytest.approx(fraction)


def test_no_event_is_no_decision() -> None:
    """An empty micro-batch is decided to nothing."""
    found = decided(unbounded(0.5, 0.1), np.empty(0), np.random.default_rng(1))
    assert len(found.lanes) == len(found.propensities) == 0


def test_an_utility_that_is_no_number_is_the_largest() -> None:
    """Where the model knows nothing, a label is worth most."""
    gate, rng, rate = Gate(), np.random.default_rng(1), unbounded(0.1, 0.0)
    utilities = np.where(rng.random(4_000) < 0.05, np.nan, rng.random(4_000))
    found = [
        gate.decide(part, rate, rng.random(100), rng.random(100)).lanes for part in np.split(utilities, 40)
    ]
    assert np.concatenate(found)[np.isnan(utilities)].mean() > 0.95


def test_an_order_is_all_that_counts() -> None:
    """Utilities in another scale, in the same order, are decided alike."""
    rng = np.random.default_rng(2)
    utilities, explore, ties = rng.random((3, 500))
    one = Gate().decide(utilities, unbounded(0.2, 0.05), explore, ties)
    other = Gate().decide(0.3 * utilities**3, unbounded(0.2, 0.05), explore, ties)
    assert (one.lanes == other.lanes).all()
    assert one.propensities == pytest.approx(other.propensities)


def test_micro_batches_do_not_matter_to_the_account() -> None:
    """Cut to pieces, a stream whose recent events say the same is decided as in one."""
    rng = np.random.default_rng(3)
    explore, ties = rng.random((2, 400))
    whole, pieces = Gate(), Gate()
    utilities = np.ones(400)
    one = whole.decide(utilities, unbounded(0.2, 0.05), explore, ties)
    others = [
        pieces.decide(
            utilities[row : row + 1], unbounded(0.2, 0.05), explore[row : row + 1], ties[row : row + 1]
        )
        for row in range(400)
    ]
    assert one.lanes.tolist() == [int(found.lanes[0]) for found in others]
    assert one.propensities == pytest.approx([float(found.propensities[0]) for found in others])


# Rulings


@given(any_utilities, st.data(), shares, shares, st.integers(0))
def test_never_and_only_by_exploration(
    utilities: np.ndarray, data: st.DataObject, fraction: float, part: float, seed: int
) -> None:
    """A suppressed event is asked about by exploration alone; one that is never asked about is not at all."""
    kinds = st.sampled_from([0.0, 1.0, SUPPRESSED, NEVER])
    ranks = np.array(data.draw(st.lists(kinds, min_size=len(utilities), max_size=len(utilities))))
    explore = fraction * part
    found = decided(unbounded(fraction, explore), utilities, np.random.default_rng(seed), Ruling(ranks))
    assert set(found.lanes[ranks == SUPPRESSED].tolist()) <= {NONE, EXPLORE}
    assert (found.propensities[ranks == NEVER] == 0.0).all()
    assert (found.lanes[ranks == NEVER] == NONE).all()
    assert (found.propensities[ranks != NEVER] >= LEAST * explore - 1e-12).all()


@pytest.mark.parametrize("micro_batch", [1, 50, 500])
def test_events_of_a_rank_come_first(micro_batch: int) -> None:
    """As far as the budget reaches, the higher rank is asked about, however useless, then the lower."""
    rng, gate = np.random.default_rng(4), Gate()
    ranks = rng.choice([0.0, 1.0, 2.0], 10_000, p=[0.82, 0.1, 0.08])
    utilities = np.where(ranks > 0.0, 0.1, 0.2) + 0.8 * rng.random(10_000) * (ranks == 0.0)
    lanes = np.concatenate(
        [
            gate.decide(utilities[rows], unbounded(0.1, 0.0), rng.random(len(rows)), rng.random(len(rows)),
                        Ruling(ranks[rows])).lanes
            for rows in np.split(np.arange(10_000), range(micro_batch, 10_000, micro_batch))
        ]
    )  # fmt: skip
    asked = [float((lanes[ranks == rank] > 0).mean()) for rank in (0.0, 1.0, 2.0)]
    assert asked[2] > 0.9
    assert asked[0] < 0.02 < asked[1]
    assert set(lanes[(ranks > 0.0) & (lanes > 0)].tolist()) == {RULE}
    assert np.count_nonzero(lanes) == pytest.approx(1_000, rel=0.02)


def test_a_useful_event_of_a_rank_is_not_the_rules_doing() -> None:
    """The lane names the rule only where the utility alone would not have sufficed."""
    rng, gate = np.random.default_rng(5), Gate()
    ruling = Ruling(np.concatenate(([1.0, 1.0], np.zeros(98))))
    decided = []
    for _ in range(20):
        utilities, explore, ties = rng.random((3, 100))
        utilities[:2] = [0.999, 0.01]
        decided.append(gate.decide(utilities, unbounded(0.2, 0.0), explore, ties, ruling))
    found = decided[-1]
    assert found.lanes[:2].tolist() == [UNCERTAIN, RULE]
    assert 0.7 < found.threshold < 0.9


@pytest.mark.parametrize("micro_batch", [1, 100])
def test_costs_are_what_the_budget_is_charged(micro_batch: int) -> None:
    """Of queries at 1 and at 3 units, just the budget is spent, and exploration is blind to the price."""
    rng, gate = np.random.default_rng(6), Gate()
    costs = rng.choice([1.0, 3.0], 20_000)
    utilities = rng.random(20_000) / costs
    lanes = np.concatenate(
        [
            gate.decide(utilities[rows], unbounded(0.1, 0.03), rng.random(len(rows)), rng.random(len(rows)),
                        Ruling(np.zeros(len(rows)), costs[rows])).lanes
            for rows in np.split(np.arange(20_000), range(micro_batch, 20_000, micro_batch))
        ]
    )  # fmt: skip
    assert costs[lanes > 0].sum() == pytest.approx(2_000.0, rel=0.01)
    assert costs[lanes == EXPLORE].mean() == pytest.approx(2.0, abs=0.3)
    assert costs[lanes == UNCERTAIN].mean() < 1.1
    assert costs[lanes == EXPLORE].sum() == pytest.approx(600.0, rel=0.25)
