"""The fraud patterns, and when each is at work.

The first three are the scenarios of the Fraud Detection Handbook (see ``population``), each with the traces
that it leaves beside its truth. What makes the stream drift: leaked cards appear only after a third of the
time, stolen cards are later used with more care, and other terminals are compromised every few days.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from streamsel.demo.population import DAY, MERCHANTS, PURCHASES_PER_DAY, Population, Purchase

SPAN_DAYS = 30
"""The patterns' story is told over this many days of the stream."""
LEAK_DAY = 10
"""From here on stolen card data is used online."""
CAREFUL_DAY = 18
"""From here on stolen cards pay what their holders would."""
_COMPROMISED_DAYS = 4

Pattern = Callable[[np.random.Generator, Population, int], list[Purchase]]
"""Purchases of one pattern on one day, in any order."""


def stolen_cards(rng: np.random.Generator, population: Population, day: int) -> list[Purchase]:
    """Stolen cards are used far from home, much of it at night: for several times the usual amount at first,
    for about the usual amount from ``CAREFUL_DAY`` on."""
    purchases = []
    factor = 1.2 if day >= CAREFUL_DAY else 4.0
    for _ in range(rng.poisson(_share(population, 0.035))):
        customer = int(rng.integers(len(population.homes)))
        amount = float(population.mean_amounts[customer] * factor * rng.lognormal(0.0, 0.3))
        hour = float(rng.normal(1.0, 3.0)) % 24.0 if rng.random() < 0.7 else float(rng.uniform(8.0, 22.0))
        channel = "contactless" if rng.random() < 0.5 else "magstripe"
        terminal = int(rng.integers(len(population.places)))
        purchases.append(
            Purchase((day + hour / 24.0) * DAY, customer, terminal, amount, channel, "stolen_card")
        )
    return purchases


def compromised_terminals(rng: np.random.Generator, population: Population, day: int) -> list[Purchase]:
    """Cloned cards are swiped at a few terminals, which are others every few days; many cards a day each."""
    # The terminals of a period are the same whenever it is asked for.
    period = np.random.default_rng([day // _COMPROMISED_DAYS, int(population.nearby[0, 0])])
    terminals = period.integers(0, len(population.places), max(round(len(population.homes) / 150), 1))
    purchases = []
    for _ in range(rng.poisson(_share(population, 0.035))):
        customer = int(rng.integers(len(population.homes)))
        amount = float(population.mean_amounts[customer] * rng.uniform(0.5, 2.0))
        time = (day + float(rng.uniform(0.3, 0.95))) * DAY
        terminal = int(rng.choice(terminals))
        purchases.append(Purchase(time, customer, terminal, amount, "magstripe", "compromised_terminal"))
    return purchases


def leaked_cards(rng: np.random.Generator, population: Population, day: int) -> list[Purchase]:
    """From ``LEAK_DAY`` on: leaked card data buys digital goods, several times within an hour or two."""
    if day < LEAK_DAY:
        return []
    shops = population.shops[population.merchants[population.shops] == MERCHANTS.index("digital")]
    purchases = []
    for _ in range(rng.poisson(_share(population, 0.045) / 6.0)):
        customer = int(rng.integers(len(population.homes)))
        start = (day + float(rng.uniform(0.0, 0.9))) * DAY
        for time in np.cumsum(rng.exponential(600.0, int(rng.integers(4, 9)))):
            amount = float(population.mean_amounts[customer] * rng.uniform(0.5, 3.0))
            terminal = int(rng.choice(shops))
            purchases.append(
                Purchase(start + float(time), customer, terminal, amount, "online", "leaked_card")
            )
    return purchases


PATTERNS: tuple[Pattern, ...] = (stolen_cards, compromised_terminals, leaked_cards)


def _share(population: Population, share: float) -> float:
    """So many purchases a day are this share of the honest ones."""
    return share * PURCHASES_PER_DAY * len(population.homes)
