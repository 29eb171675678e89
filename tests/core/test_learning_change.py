"""A change of the stream is seen in how much the labels surprise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.learning.portfolio.change import BEFORE, SINCE, changed_at


@pytest.mark.parametrize("before", [40, 300, 2_000])
def test_is_found_within_a_few_labels_of_where_it_was(before: int) -> None:
    """From one label in ten wrong to half of them."""
    draws = np.random.default_rng(before)
    surprises = [*(draws.random(before) < 0.1).astype(float), *(draws.random(40) < 0.5).astype(float)]
    assert abs(changed_at(surprises) - before) <= 10


def test_is_seldom_seen_where_there_is_none() -> None:
    """However often one looks, over five hundred labels."""
    draws = np.random.default_rng(1)
    alarms = 0
    for _ in range(50):
        surprises = (draws.random(500) < 0.2).astype(float).tolist()
        alarms += any(changed_at(surprises[:count]) for count in range(30, 501, 5))
    assert alarms <= 10


@given(st.lists(st.floats(0.0, 1.0), max_size=80))
def test_lies_among_the_labels_with_enough_on_either_side(surprises: list[float]) -> None:
    """Or nowhere."""
    found = changed_at(surprises)
    assert found == 0 or BEFORE <= found <= len(surprises) - SINCE


@given(st.integers(0, 100), st.integers(0, 100))
def test_for_the_better_is_none(before: int, since: int) -> None:
    """A model that learns needs nothing forgotten."""
    assert changed_at([0.9] * before + [0.1] * since) == 0
