"""Costs: what a query is expected to cost, and utility per cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.records import FeatureTable
from streamsel.selection.costs import Costs
from streamsel.selection.fields import Fields

LABELS = ("genuine", "fraud")

factors = st.floats(0.01, 100.0)
costs = st.builds(
    Costs,
    label=st.dictionaries(st.sampled_from(LABELS), factors),
    segment=st.dictionaries(
        st.sampled_from(["country", "channel"]), st.dictionaries(st.sampled_from(["x", "y"]), factors)
    ),
)


def expected(costs: Costs, probabilities: list[list[float]], segments: list[dict[str, str]]) -> np.ndarray:
    """Of events with nothing but a prediction and segments."""
    predicted = np.array(probabilities)
    table = FeatureTable((), [()] * len(predicted))
    return costs.of(Fields(table, segments, LABELS, predicted), LABELS, predicted)


def test_labels_count_by_their_probability() -> None:
    """A probable fraud costs nearly three times the ordinary, where fraud takes three times as long."""
    dear = Costs(label={"fraud": 3.0})
    assert expected(dear, [[1.0, 0.0], [0.5, 0.5], [0.1, 0.9]], [{}] * 3) == pytest.approx([1.0, 2.0, 2.8])


@pytest.mark.parametrize("opinion", [[np.nan, np.nan], []])
def test_without_an_opinion_labels_count_alike(opinion: list[float]) -> None:
    """Nothing is known: neither of this event nor of any."""
    assert expected(Costs(label={"fraud": 3.0}), [opinion], [{}]) == pytest.approx([2.0])


def test_segments_multiply() -> None:
    """Each segment by its own factor; values that are not listed, or missing, by 1."""
    dear = Costs(segment={"country": {"DE": 2.0}, "channel": {"web": 0.5}})
    segments = [
        {"country": "DE", "channel": "web"},
        {"country": "DE"},
        {"country": "FR", "channel": "web"},
        {},
    ]
    assert expected(dear, [[0.5, 0.5]] * 4, segments) == pytest.approx([1.0, 2.0, 0.5, 1.0])


def test_the_price_is_that_of_the_oracle() -> None:
    """Its own where it has one, otherwise the default; costs of events are in units of it."""
    prices = Costs(default=2.0, oracle={"expert": 9.0})
    assert (prices.ordinary(), prices.ordinary("expert")) == (2.0, 9.0)
    assert Costs(default=2.0, oracle={"reviewer": 5.0}).ordinary() == 5.0
    assert expected(prices, [[0.5, 0.5]], [{}]) == pytest.approx([1.0])


@given(
    costs,
    st.lists(
        st.tuples(
            st.floats(0.0, 1.0),
            st.floats(0.0, 1.0),
            st.fixed_dictionaries({}, optional={"country": st.sampled_from("xyz")}),
        ),
        min_size=2,
        max_size=8,
    ),
)
def test_utility_per_cost_orders_events_as_the_quotient_does(
    costs: Costs, events: list[tuple[float, float, dict[str, str]]]
) -> None:
    """Within [0, 1], and one event against another just as their utilities over their costs."""
    utilities = np.array([utility for utility, _, _ in events])
    taken = expected(costs, [[1.0 - p, p] for _, p, _ in events], [segments for *_, segments in events])
    assert (taken > 0.0).all()
    per_cost = costs.per_cost(utilities, taken)
    assert ((per_cost >= 0.0) & (per_cost <= 1.0)).all()
    quotient = utilities / taken
    assert per_cost * quotient.max() == pytest.approx(quotient * per_cost.max(), rel=1e-6, abs=1e-9)


def test_utility_per_cost_is_the_same_in_every_micro_batch() -> None:
    """It does not depend on what other events the micro-batch holds."""
    dear = Costs(label={"fraud": 3.0})
    alone = dear.per_cost(np.array([0.6]), np.array([2.0]))
    among = dear.per_cost(np.array([0.6, 1.0]), np.array([2.0, 1.0]))
    assert alone[0] == among[0] == pytest.approx(0.3)
