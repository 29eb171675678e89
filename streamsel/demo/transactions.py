"""The demo's stream: card transactions in time order, each with its truth kept outside the event."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import count
from operator import attrgetter

import numpy as np

from streamsel.demo.fraud import PATTERNS, SPAN_DAYS
from streamsel.demo.history import CustomerHistory, TerminalHistory
from streamsel.demo.population import DAY, MERCHANTS, PURCHASES_PER_DAY, Population, Purchase
from streamsel.records import Value

LEGIT, FRAUD = "legit", "fraud"
LABELS = (LEGIT, FRAUD)
FEATURES = (
    "amount",
    "amount_to_mean",
    "channel",
    "customer_count_1d",
    "customer_count_30d",
    "customer_count_7d",
    "customer_mean_30d",
    "customer_mean_7d",
    "distance_km",
    "log_minutes_since_last",
    "merchant",
    "new_terminal",
    "night",
    "terminal_count_1d",
    "terminal_count_7d",
    "weekend",
)
"""What a model may learn from, sorted; customer and terminal are for the reviewer alone."""
FIRST_MIDNIGHT = 1_772_323_200.0
"""2026-03-01T00:00:00Z, in seconds since the epoch."""
_WARM_UP_DAYS = 30
"""Honest days before the stream begins, so that trailing windows are filled from its first event on."""
_FRAUD_SHARE = 0.11
_MOST_CUSTOMERS = 1_000


@dataclass(frozen=True, slots=True)
class Transaction:
    """One event of the stream and what only the demo knows about it."""

    event: dict[str, Value]
    """Flat and free of labels: ``id``, ``time`` (seconds since the epoch), ``customer``, ``terminal`` and
    the features."""
    truth: str
    """``legit`` or ``fraud``."""
    pattern: str | None
    """The fraud pattern's name."""


def transactions(seed: int, events: int) -> Iterator[Transaction]:
    """An endless stream, the same for the same arguments.

    The first ``events`` of it span about ``fraud.SPAN_DAYS`` days, or more than that beyond 60,000: the
    population is sized for it.
    """
    daily = events / SPAN_DAYS / (1.0 + _FRAUD_SHARE)
    rng = np.random.default_rng(seed)
    customers = min(max(math.ceil(daily / PURCHASES_PER_DAY), 20), _MOST_CUSTOMERS)
    population = Population.draw(rng, customers)
    features = _Features(population)
    number = count()
    for purchase in _purchases(rng, population):
        seen = features.of(purchase)
        if purchase.time < 0.0:
            continue
        event: dict[str, Value] = {
            "id": f"tx-{next(number):07d}",
            "time": round(FIRST_MIDNIGHT + purchase.time, 3),
            "customer": f"c{purchase.customer:05d}",
            "terminal": f"t{purchase.terminal:05d}",
            **seen,
        }
        yield Transaction(event, FRAUD if purchase.pattern else LEGIT, purchase.pattern)


def _purchases(rng: np.random.Generator, population: Population) -> Iterator[Purchase]:
    """Every purchase in time order, from the first day of warming up on, without end."""
    by_time = attrgetter("time")
    late: list[Purchase] = []
    """Purchases of a pattern that reach into the next day."""
    day = -_WARM_UP_DAYS
    while True:
        purchases = population.honest_day(rng, day)
        if day >= 0:
            for pattern in PATTERNS:
                purchases += pattern(rng, population, day)
        day += 1
        ordered = list(merge(late, sorted(purchases, key=by_time), key=by_time))
        yield from (purchase for purchase in ordered if purchase.time < day * DAY)
        late = [purchase for purchase in ordered if purchase.time >= day * DAY]


class _Features:
    """What the issuer's system knows at the moment of a purchase."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._homes = population.homes.tolist()
        self._places = population.places.tolist()
        self._customers: defaultdict[int, CustomerHistory] = defaultdict(CustomerHistory)
        self._terminals: defaultdict[int, TerminalHistory] = defaultdict(TerminalHistory)

    def of(self, purchase: Purchase) -> dict[str, Value]:
        """The features of a purchase, which then becomes history itself."""
        time, amount = purchase.time, round(purchase.amount, 2)
        customer, terminal = self._customers[purchase.customer], self._terminals[purchase.terminal]
        count_1d, _ = customer.day.at(time)
        count_7d, mean_7d = customer.week.at(time)
        count_30d, mean_30d = customer.month.at(time)
        terminal_1d, _ = terminal.day.at(time)
        terminal_7d, _ = terminal.week.at(time)
        home, place = self._homes[purchase.customer], self._places[purchase.terminal]
        online = purchase.channel == "online"
        hour = time % DAY / 3_600.0
        since = None if customer.last is None else math.log1p((time - customer.last) / 60.0)
        seen: dict[str, Value] = {
            "amount": amount,
            "amount_to_mean": None if mean_30d is None else round(amount / mean_30d, 4),
            "channel": purchase.channel,
            "customer_count_1d": count_1d,
            "customer_count_7d": count_7d,
            "customer_count_30d": count_30d,
            "customer_mean_7d": None if mean_7d is None else round(mean_7d, 2),
            "customer_mean_30d": None if mean_30d is None else round(mean_30d, 2),
            "distance_km": None if online else round(math.dist(home, place), 2),
            "log_minutes_since_last": None if since is None else round(since, 4),
            "merchant": MERCHANTS[self._population.merchants[purchase.terminal]],
            "new_terminal": purchase.terminal not in customer.visited,
            "night": hour < 6.0,
            "terminal_count_1d": terminal_1d,
            "terminal_count_7d": terminal_7d,
            "weekend": int(time // DAY) % 7 >= 5,
        }
        customer.add(time, purchase.terminal, amount)
        terminal.add(time, amount)
        return seen
