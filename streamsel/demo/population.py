"""Who buys where: customers with a home and a spending profile, terminals spread around them.

After Y.-A. Le Borgne, W. Siblini, B. Lebichot and G. Bontempi, Reproducible Machine Learning for Credit Card
Fraud Detection: Practical Handbook, 2022, chapter 3; with merchants, channels and a daily rhythm added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DAY = 86_400.0
SIDE_KM = 100.0
"""Everyone lives in a square of this side."""
PURCHASES_PER_DAY = 2.0
"""A customer's mean; each has a rate of their own between 0 and twice this."""
MERCHANTS = ("grocery", "fuel", "restaurant", "electronics", "travel", "digital")
_MERCHANT_SHARES = (0.34, 0.14, 0.22, 0.12, 0.08, 0.10)
_TERMINALS_PER_CUSTOMER = 2
_NEARBY = 20
"""Terminals a customer goes to: the nearest ones."""
_FAVOURITES = 4


class Purchase(NamedTuple):
    """One card payment as it happens, before anything is known about it."""

    time: float
    """Seconds since the stream's first midnight; negative before it."""
    customer: int
    terminal: int
    amount: float
    channel: str
    pattern: str | None = None
    """The fraud pattern it belongs to, or ``None`` when the cardholder paid."""


@dataclass(frozen=True, slots=True)
class Population:
    """Customers and terminals by index; positions in km, shape (·, 2)."""

    homes: NDArray[np.float64]
    mean_amounts: NDArray[np.float64]
    daily_rates: NDArray[np.float64]
    online_shares: NDArray[np.float64]
    nearby: NDArray[np.int64]
    """Shape (customers, nearby terminals)."""
    places: NDArray[np.float64]
    merchants: NDArray[np.int64]
    """Index into ``MERCHANTS`` for each terminal."""
    shops: NDArray[np.int64]
    """Terminals that sell online."""
    favourites: NDArray[np.int64]
    """Shape (customers, favourite shops): where a customer buys online."""
    magstripe_only: NDArray[np.bool_]
    """Old terminals, where an honest card is swiped too."""

    @classmethod
    def draw(cls, rng: np.random.Generator, customers: int) -> Population:
        """A population of that many customers and twice as many terminals."""
        terminals = max(customers * _TERMINALS_PER_CUSTOMER, len(MERCHANTS) * 5)
        homes = rng.uniform(0.0, SIDE_KM, (customers, 2))
        places = rng.uniform(0.0, SIDE_KM, (terminals, 2))
        merchants = rng.choice(len(MERCHANTS), terminals, p=_MERCHANT_SHARES)
        merchants[:5] = MERCHANTS.index("digital")
        shops = np.flatnonzero(merchants >= MERCHANTS.index("electronics"))
        squares = ((homes[:, None, :] - places[None, :, :]) ** 2).sum(axis=2)
        return cls(
            homes=homes,
            mean_amounts=rng.uniform(10.0, 100.0, customers),
            daily_rates=rng.uniform(0.0, 2.0 * PURCHASES_PER_DAY, customers),
            online_shares=rng.beta(2.0, 8.0, customers),
            nearby=np.argsort(squares, axis=1)[:, :_NEARBY],
            places=places,
            merchants=merchants,
            shops=shops,
            favourites=rng.choice(shops, (customers, _FAVOURITES)),
            magstripe_only=rng.random(terminals) < 0.06,
        )

    def honest_day(self, rng: np.random.Generator, day: int) -> list[Purchase]:
        """What cardholders buy on one day."""
        customers = np.repeat(np.arange(len(self.homes)), rng.poisson(self.daily_rates))
        travelling = (rng.random(len(self.homes)) < 0.03)[customers]
        count = len(customers)
        amounts = honest_amounts(rng, self.mean_amounts[customers]) * np.where(travelling, 1.6, 1.0)
        online = rng.random(count) < self.online_shares[customers] * np.where(_sale(day), 2.0, 1.0)
        terminals = self.nearby[customers, rng.integers(0, self.nearby.shape[1], count)]
        terminals = np.where(travelling, rng.integers(0, len(self.places), count), terminals)
        favourites = self.favourites[customers, rng.integers(0, _FAVOURITES, count)]
        terminals = np.where(online, favourites, terminals)
        channels = np.where(rng.random(count) < 0.6, "contactless", "chip")
        channels = np.where(self.magstripe_only[terminals], "magstripe", channels)
        channels = np.where(online, "online", channels)
        times = day * DAY + np.clip(rng.normal(DAY / 2, DAY / 5, count), 0.0, DAY - 1.0)
        return [
            Purchase(*fields)
            for fields in zip(
                times.tolist(),
                customers.tolist(),
                terminals.tolist(),
                amounts.tolist(),
                channels.tolist(),
                strict=True,
            )
        ]


def honest_amounts(rng: np.random.Generator, means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amounts around each mean: normal with half of it as deviation, uniform where that fell below zero."""
    amounts = rng.normal(means, means / 2.0)
    return np.where(amounts > 0.0, amounts, rng.uniform(0.0, 2.0 * means))


def _sale(day: int) -> bool:
    """A few days on which everybody buys online: a change that is no fraud."""
    return 14 <= day < 18
