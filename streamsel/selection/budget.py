"""A budget by time: labels an hour and money a day, as a share of events.

Each of the two has an account that earns evenly as time goes on and is charged for every query when it is
asked. Its credit, or debt, is held within a hundredth of the period's allowance and moves what may be asked:

    fraction = allowance a second · (1 + credit / most credit) / events a second

So the account settles where the event rate is met, however it was measured, and follows it by night and by
day. No hour (day) in a row is charged more than two hundredths too much, and what could not be spent, since
there were no events or the reviewers had no room, is not made up for later. (Proportional feedback with
feed-forward: K. J. Åström and R. M. Murray, Feedback Systems, 2008, chapter 10.)
"""

from __future__ import annotations

HOUR, DAY = 3_600.0, 86_400.0
"""Seconds."""
HELD = 0.01
"""Most credit or debt, in periods' allowances."""
FEW = 2.0
"""Queries that may be held at least: they come one at a time."""
RECENT = 50.0
"""Queries over which their mean cost is taken."""


class _Account:
    """Earns by the second, pays by the query. Amounts in queries, or in ordinary ones where costs differ."""

    def __init__(self, allowance: float, period: float) -> None:
        self._allowance = allowance
        self._period = period
        self._most = FEW
        self._credit = 0.0

    def earn(self, seconds: float, part: float) -> float:
        """Earns this part of the allowance for so long; what may be asked a second from now on."""
        per_second = part * self._allowance / self._period
        self._most = max(HELD * part * self._allowance, FEW)
        self._credit = min(max(self._credit + per_second * seconds, -self._most), self._most)
        return per_second * (1.0 + self._credit / self._most)

    def pay(self, amount: float) -> None:
        self._credit = max(self._credit - amount, -self._most)


class Budget:
    """What one selector may ask by the clock. Times are given, in seconds; nothing is asked of a clock."""

    def __init__(
        self,
        labels_per_hour: float | None = None,
        money_per_day: float | None = None,
        money_per_query: float = 1.0,
    ) -> None:
        """Both limits are for all selectors together; ``None`` is none. ``money_per_query`` is what an
        ordinary query costs."""
        self._labels = None if labels_per_hour is None else _Account(labels_per_hour, HOUR)
        self._money = None if money_per_day is None else _Account(money_per_day / money_per_query, DAY)
        self._mean_cost = 1.0
        self._now: float | None = None

    def spent(self, queries: int, cost: float) -> None:
        """So many queries were asked, at this cost together, in ordinary queries."""
        if not queries:
            return
        self._mean_cost += min(queries / RECENT, 1.0) * (cost / queries - self._mean_cost)
        if self._labels is not None:
            self._labels.pay(queries)
        if self._money is not None:
            self._money.pay(cost)

    def fraction(self, now: float, own: float, total: float) -> float:
        """The share of this selector's events to ask about from ``now`` on, in [0, 1]; where costs differ,
        what an event earns in ordinary queries.

        ``own`` and ``total`` are events per second, this selector's and those of all: each earns its part.
        """
        seconds = 0.0 if self._now is None else max(now - self._now, 0.0)
        self._now = now
        part = min(own / total, 1.0) if total > 0.0 else 1.0
        events_per_second = max(own, 1e-9)
        fraction = 1.0
        for account, cost in ((self._labels, self._mean_cost), (self._money, 1.0)):
            if account is not None:
                fraction = min(fraction, account.earn(seconds, part) * cost / events_per_second)
        return fraction
