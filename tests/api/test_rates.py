"""Token buckets: how many calls at once, how many lastingly, and how many callers are remembered."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streamsel.api.rates import Rates


class Time:
    """Moved by hand."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_taken_and_then_the_rate() -> None:
    """What is refused takes nothing, and the wait that is told is exactly enough."""
    time = Time()
    rates = Rates(per_second=2.0, burst=3, monotonic=time)
    assert [rates.take("ana") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert rates.take("ana") == rates.take("ana") == 0.5
    time.now += 0.5
    assert rates.take("ana") == 0.0
    assert rates.take("ana") > 0.0


def test_one_caller_takes_nothing_from_another() -> None:
    """Each has a bucket."""
    rates = Rates(per_second=1.0, burst=1, monotonic=Time())
    assert rates.take("ana") == 0.0
    assert rates.take("ben") == 0.0
    assert rates.take("ana") > 0.0


def test_only_so_many_callers_are_remembered() -> None:
    """Those heard of least recently are forgotten."""
    rates = Rates(per_second=1.0, burst=1, most=100, monotonic=Time())
    for number in range(1_000):
        rates.take(f"caller-{number}")
    assert len(rates._full_at) == 100
    assert rates.take("caller-999") > 0.0
    assert rates.take("caller-0") == 0.0


@given(
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60),
    st.integers(1, 5),
    st.floats(0.5, 10.0),
)
def test_no_stretch_of_time_takes_more_than_burst_and_rate(
    gaps: list[float], burst: int, per_second: float
) -> None:
    """Between any two calls that were taken there are at most burst + rate · time, for any arrivals."""
    time = Time()
    rates = Rates(per_second, burst, monotonic=time)
    taken = []
    for gap in gaps:
        time.now += gap
        if rates.take("ana") == 0.0:
            taken.append(time.now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - taken[first]) * per_second + 1e-6
    assert all(one <= other for one, other in pairwise(taken))
