"""Labels an hour and money a day: spent by the clock, whatever the stream does."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.selection import Gate, QueryRate
from streamsel.selection.budget import DAY, HOUR, Budget
from streamsel.selection.ruling import Ruling

STEP = 2.0
"""Seconds between two reports."""


def night_and_day(seconds: float) -> float:
    """Events per second: forty times as many at noon as at midnight, twelve hours apart."""
    return 20.0 * math.exp(1.844 * math.sin(2.0 * math.pi * seconds / DAY))


def queries_of(
    budgets: list[Budget],
    hours: float,
    events_per_second: Callable[[float], float] = night_and_day,
    costs: tuple[float, ...] = (1.0,),
    most: float = 1.0,
    misjudged: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """(time, cost) of every query of selectors with their gates, the first with twice the others' events."""
    rng = np.random.default_rng(4)
    gates = [Gate() for _ in budgets]
    parts = np.array([2.0] + [1.0] * (len(budgets) - 1))
    parts /= parts.sum()
    found: list[tuple[float, float]] = []
    for step in range(round(hours * HOUR / STEP)):
        now = step * STEP
        total = events_per_second(now)
        for budget, gate, part in zip(budgets, gates, parts, strict=True):
            fraction = min(budget.fraction(now, part * total * misjudged, total * misjudged), most)
            count = int(rng.poisson(part * total * STEP))
            asked = np.array(costs)[rng.integers(len(costs), size=count)]
            rate = QueryRate(fraction, 0.2 * fraction, 10**9, 1e9)
            ruling = Ruling(np.zeros(count), asked)
            decided = gate.decide(
                rng.random(count) / asked, rate, rng.random(count), rng.random(count), ruling
            )
            paid = asked[decided.lanes > 0]
            assert decided.cost == pytest.approx(paid.sum())
            budget.spent(len(paid), decided.cost)
            found += [(now, float(cost)) for cost in paid]
    times, paid = np.array(found).T
    return times, paid


def in_any(span: float, times: np.ndarray, amounts: np.ndarray, hours: float) -> np.ndarray:
    """What falls in each stretch of so many seconds, every minute."""
    starts = np.arange(0.0, hours * HOUR - span, 60.0)
    totals = np.concatenate(([0.0], np.cumsum(amounts)))
    return totals[np.searchsorted(times, starts + span)] - totals[np.searchsorted(times, starts)]


@pytest.mark.parametrize("per_hour", [60.0, 1_000.0])
def test_labels_an_hour_are_spent_by_night_and_by_day(per_hour: float) -> None:
    """Over any hour to 1 % or a few queries, though by day forty times as many events come as by night."""
    times, _ = queries_of([Budget(labels_per_hour=per_hour)], hours=12.0)
    for hours in (1, 4):
        asked = in_any(hours * HOUR, times, np.ones(len(times)), 12.0)
        assert np.abs(asked - hours * per_hour).max() <= max(0.01 * hours * per_hour, 4.0)


@pytest.mark.parametrize("misjudged", [0.7, 1.5])
def test_an_event_rate_that_is_misjudged_is_made_up_for(misjudged: float) -> None:
    """The account knows what was asked, whatever the rate was thought to be."""
    times, _ = queries_of([Budget(labels_per_hour=500.0)], hours=6.0, misjudged=misjudged)
    assert len(times[times >= HOUR]) == pytest.approx(2_500, rel=0.02)


def test_selectors_share_the_budget_by_their_events() -> None:
    """Together they ask what one would, each its part."""
    times, _ = queries_of([Budget(labels_per_hour=300.0) for _ in range(3)], hours=6.0)
    assert len(times) == pytest.approx(1_800, rel=0.02)


def test_money_a_day_is_spent_at_what_queries_cost() -> None:
    """Of queries at half, one and four times the ordinary price, just the money is spent."""
    budget = Budget(money_per_day=2_400.0, money_per_query=0.5)
    _, paid = queries_of([budget], hours=8.0, costs=(0.5, 1.0, 4.0))
    assert 0.5 * paid.sum() == pytest.approx(800.0, rel=0.02)


def test_labels_an_hour_are_counted_whatever_they_cost() -> None:
    """Cheap queries are not counted for less."""
    times, paid = queries_of([Budget(labels_per_hour=300.0)], hours=6.0, costs=(0.5, 2.0))
    assert len(times[times >= HOUR]) == pytest.approx(1_500, rel=0.02)
    assert paid.mean() < 0.8


def test_the_smaller_of_the_two_counts() -> None:
    """A query's price decides which."""
    by_labels, by_money = Budget(100.0, 1e9), Budget(1e9, 2_400.0, 0.1)
    assert by_labels.fraction(0.0, 10.0, 10.0) == pytest.approx(100.0 / HOUR / 10.0)
    assert by_money.fraction(0.0, 10.0, 10.0) == pytest.approx(24_000.0 / DAY / 10.0)


def test_what_could_not_be_spent_is_not_made_up_for() -> None:
    """After a night without room for queries no hour has more than 3 % above its labels."""
    budget = Budget(labels_per_hour=600.0)
    times, _ = queries_of([budget], hours=2.0, most=0.0001)
    assert len(times) < 60
    times, _ = queries_of([budget], hours=2.0)
    assert in_any(HOUR, times, np.ones(len(times)), 2.0).max() <= 1.03 * 600.0


def test_without_a_limit_all_may_be_asked() -> None:
    """No limit by the clock: what the share of events and the reviewers allow."""
    budget = Budget()
    budget.spent(1_000, 5_000.0)
    assert budget.fraction(0.0, 100.0, 100.0) == 1.0


amounts = st.floats(0.0, 1e9)


@given(
    st.none() | st.floats(1e-3, 1e9),
    st.none() | st.floats(1e-3, 1e9),
    st.floats(1e-6, 1e6),
    st.lists(st.tuples(amounts, amounts, amounts, st.integers(0, 10_000), amounts), min_size=1, max_size=20),
)
def test_any_course_gives_a_share(
    labels: float | None,
    money: float | None,
    price: float,
    course: list[tuple[float, float, float, int, float]],
) -> None:
    """Whatever the clock, the rates and the costs, the fraction lies in [0, 1]."""
    budget = Budget(labels, money, price)
    for now, own, total, queries, cost in course:
        assert 0.0 <= budget.fraction(now, own, total) <= 1.0
        budget.spent(queries, cost)
