"""The demo's stream: repeatable, free of labels, and changing."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from itertools import islice

import numpy as np
import pytest

from streamsel.demo.fraud import CAREFUL_DAY, LEAK_DAY, SPAN_DAYS
from streamsel.demo.population import DAY
from streamsel.demo.transactions import FEATURES, FIRST_MIDNIGHT, FRAUD, LABELS, Transaction, transactions

EVENTS = 20_000


@cache
def stream(seed: int = 1) -> list[Transaction]:
    return list(islice(transactions(seed, EVENTS), EVENTS))


def day_of(transaction: Transaction) -> float:
    time = transaction.event["time"]
    assert isinstance(time, float)
    return (time - FIRST_MIDNIGHT) / DAY


def number(transaction: Transaction, name: str) -> float:
    value = transaction.event[name]
    assert isinstance(value, int | float)
    return value


def test_the_same_seed_gives_the_same_stream() -> None:
    """A demo can be repeated."""
    again = list(islice(transactions(1, EVENTS), 2_000))
    assert again == stream()[:2_000]


def test_another_seed_gives_another_stream() -> None:
    """Seeds are not decoration."""
    assert [one.event for one in stream(2)[:100]] != [one.event for one in stream()[:100]]


def test_events_carry_the_documented_fields_and_no_truth() -> None:
    """Nothing in an event names its truth or its pattern."""
    fields = {"id", "time", "customer", "terminal", *FEATURES}
    told = {*LABELS, "stolen_card", "compromised_terminal", "leaked_card"}
    for transaction in stream():
        assert set(transaction.event) == fields
        assert not told & {str(value) for value in transaction.event.values()}


def test_ids_only_count() -> None:
    """The id is the position, whatever the truth."""
    assert [one.event["id"] for one in stream()[:3]] == ["tx-0000000", "tx-0000001", "tx-0000002"]
    assert [one.event["id"] for one in stream()] == [one.event["id"] for one in stream(2)]


def test_features_are_listed_sorted_and_of_every_kind() -> None:
    """Numbers, categories, booleans and nulls all occur."""
    assert list(FEATURES) == sorted(FEATURES)
    kinds = {type(one.event[name]) for one in stream() for name in FEATURES}
    assert kinds == {int, float, bool, str, type(None)}


def test_events_come_in_time_order_over_the_span() -> None:
    """About a month, whatever the number of events."""
    days = [day_of(one) for one in stream()]
    assert days == sorted(days)
    assert days[0] < 0.5
    assert SPAN_DAYS * 0.85 < days[-1] < SPAN_DAYS * 1.2
    small = list(islice(transactions(1, 2_000), 2_000))
    assert SPAN_DAYS * 0.6 < day_of(small[-1]) < SPAN_DAYS * 1.6


def test_a_tenth_is_fraud() -> None:
    """Rare enough to be worth finding, frequent enough for a short demo."""
    share = np.mean([one.truth == FRAUD for one in stream()])
    assert 0.06 < share < 0.12


def test_leaked_cards_appear_only_later() -> None:
    """A pattern that no early label can have taught."""
    days = [day_of(one) for one in stream() if one.pattern == "leaked_card"]
    assert min(days) >= LEAK_DAY
    assert len(days) > EVENTS * 0.02


def test_stolen_cards_change_their_ways() -> None:
    """High amounts at first, the holder's usual ones from a known day on."""
    ratios: dict[bool, list[float]] = {False: [], True: []}
    for one in stream():
        if one.pattern == "stolen_card" and one.event["amount_to_mean"] is not None:
            ratios[day_of(one) >= CAREFUL_DAY].append(number(one, "amount_to_mean"))
    assert np.median(ratios[False]) > 3.0
    assert np.median(ratios[True]) < 2.0


def test_compromised_terminals_move_on() -> None:
    """Other terminals every few days, so that no terminal stays bad."""
    by_period: defaultdict[int, set[str]] = defaultdict(set)
    for one in stream():
        if one.pattern == "compromised_terminal":
            by_period[int(day_of(one) // 4)].add(str(one.event["terminal"]))
    assert len(by_period) >= 6
    assert len(set.union(*by_period.values())) > 2 * max(map(len, by_period.values()))


@pytest.mark.parametrize(
    ("who", "feature"), [("customer", "customer_count_1d"), ("terminal", "terminal_count_1d")]
)
def test_counts_are_of_the_day_before_and_nothing_else(who: str, feature: str) -> None:
    """Recounted by brute force from the events themselves; an event never counts itself."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for one in stream()[:6_000]:
        time, name = number(one, "time"), str(one.event[who])
        # Times are rounded to milliseconds in events; none is that close to the window's edge.
        if day_of(one) >= 1.0:
            assert one.event[feature] == sum(time - DAY < earlier for earlier in times[name])
        times[name].append(time)
