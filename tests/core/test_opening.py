"""What the first events of a stream are lent, and when it is paid back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.selection.capacity import QueryRate
from streamsel.selection.opening import FIRST, REPAID, Opening

fractions = st.floats(0.0, 1.0)
batches = st.lists(st.integers(1, 700), min_size=1, max_size=30)


def rate_of(fraction: float) -> QueryRate:
    return QueryRate(fraction, 0.2 * fraction, 10**9, 1e9)


@given(fractions, batches)
def test_what_is_lent_is_paid_back(fraction: float, sizes: list[int]) -> None:
    """Any micro-batch is given a fraction from none to twice its own, and never more than all; all of them
    together, from the beginning on, no less than theirs, and once it is paid back, just theirs."""
    opening, events, given_so_far = Opening(), 0, 0.0
    for size in sizes:
        spread = opening.spread(rate_of(fraction), size, nothing_known=True)
        assert 0.0 <= spread.fraction <= min(2.0 * fraction, 1.0) * (1.0 + 1e-9)
        assert spread.explore_fraction == pytest.approx(0.2 * spread.fraction)
        events += size
        given_so_far += spread.fraction * size
        if events < FIRST + REPAID:
            assert given_so_far >= fraction * events - 1e-6
        else:
            assert given_so_far == pytest.approx(fraction * events)


@given(fractions, batches)
def test_a_stream_that_is_known_is_lent_nothing(fraction: float, sizes: list[int]) -> None:
    """Were it later unknown, as with a model of another kind in force, it would not be either."""
    opening, rate = Opening(), rate_of(fraction)
    spread = [opening.spread(rate, size, nothing_known=number > 0) for number, size in enumerate(sizes)]
    assert spread == [rate] * len(sizes)


def test_micro_batches_do_not_matter() -> None:
    """However the first events are cut, they are lent the same."""

    def lent(sizes: list[int]) -> float:
        opening = Opening()
        return sum(opening.spread(rate_of(0.1), size, nothing_known=True).fraction * size for size in sizes)

    assert lent([1] * 300) == pytest.approx(lent([40, 60, 200])) == pytest.approx(lent([300]))
