"""Trailing windows of the demo's features."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.demo.history import CustomerHistory, Trailing
from streamsel.demo.population import DAY

GAPS_AND_AMOUNTS = st.lists(
    st.tuples(st.floats(0.0, 2.0 * DAY, allow_subnormal=False), st.floats(0.01, 1e4)), max_size=60
)


@given(GAPS_AND_AMOUNTS, st.sampled_from([1.0, 7.0]))
def test_count_and_mean_are_those_of_the_window(steps: list[tuple[float, float]], days: float) -> None:
    """Against a recount of everything at every step."""
    window, entries, time = Trailing(days), list[tuple[float, float]](), 0.0
    for gap, amount in steps:
        time += gap
        inside = [earlier for at, earlier in entries if at > time - days * DAY]
        count, mean = window.at(time)
        assert count == len(inside)
        assert mean == (pytest.approx(sum(inside) / len(inside), abs=1e-6) if inside else None)
        window.add(time, amount)
        entries.append((time, amount))


def test_a_customer_knows_the_terminals_visited_and_the_last_time() -> None:
    """Both from the first purchase on."""
    history = CustomerHistory()
    assert history.last is None
    history.add(5.0, terminal=3, amount=10.0)
    assert history.visited == {3}
    assert history.last == 5.0
