"""The gate: which events are asked about, with an exact budget and exact propensities.

The gate keeps a *balance*: what the query fraction has earned, event by event, less what was asked. It is
held in a band of ``BAND`` events' worth to either side of nothing, so any stretch of events is charged what
its fraction allows, to the width of the band. Where the balance stands in the band is its *level* x, in
[0, 1]; at one half just the fraction is spent.

An event is asked about for its utility when the level has reached its price, r / (r + s). Here r is the
share of recent events that come before it in the order of rank and utility, ties broken by a draw, and s the
share that is left to the uncertain lane. So the s · x / (1 − x) most useful are asked about: fewer while the
account is overdrawn, none below the band, more while it is in credit, all at its top. No drift of the
utilities moves the prices for long, since they depend on the order alone.

It is explored, whatever its utility, when its exploration draw is below E. Of the share e to explore, the
level moves only the part w that exploration has of all queries: the uncertain lane makes up for the rest.

    E = e · clip(1 − w + w · x / (1 − x), LEAST, MOST),    e · LEAST below the band

The balance before an event is the work of earlier draws. Given those, the event's own draws make it

    π = E + (1 − E) · Q,    Q = P(r ≤ s · x / (1 − x))

likely to be asked about, exactly. Before all that, an event is held out when a third draw is below H, a
share known before the micro-batch, and all of the above is about the others; so with H it is

    π = H + (1 − H) (E + (1 − E) Q)

With A = 1 for an event that was asked about and 0 for another, A / π − 1 is a martingale difference, and sums
weighted by 1 / π are unbiased. Micro-batches matter only to what is recent: all events of an event's own are.

(Variable threshold and randomisation: I. Žliobaitė et al., Active Learning With Drifting Streaming Data, IEEE
TNNLS 2014. Weights of propensities given the past: A. Beygelzimer, S. Dasgupta and J. Langford, Importance
Weighted Active Learning, ICML 2009. The account: J. S. Turner, New Directions in Communications, 1986.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from streamsel.records import LANES
from streamsel.selection.candidates import Floats
from streamsel.selection.capacity import QueryRate
from streamsel.selection.ranking import standing
from streamsel.selection.ruling import NEVER, Ruling

NONE, UNCERTAIN, EXPLORE, RULE, HOLDOUT = range(len(LANES))
"""Lane codes in ``GateDecisions.lanes``."""
BAND = 80.0
"""Half the band, in events' worth: all of it is 1.6 % of 10,000 events, and exploration's luck adds to it."""
SMALLEST_BAND = 1.25
"""Half the band in queries, at least: among fewer there would be nothing to choose."""
LEAST, MOST = 0.25, 4.0
"""What the level may make of the share to explore: 1/π stays bounded, and exploration a part of the whole."""
_RANK = 1e6
"""From one rank to the next in the order; no utility is as large."""
_TINY = 1e-100
"""A share that is nothing, to divide by."""


@dataclass(frozen=True, slots=True)
class GateDecisions:
    """One micro-batch decided. Arrays of shape (events,)."""

    lanes: NDArray[np.int8]
    """``NONE``, ``UNCERTAIN``, ``EXPLORE``, ``HOLDOUT``, or ``RULE``: asked about for its rank, its utility
    being below the threshold."""
    propensities: Floats
    threshold: float
    """The utility above which an event without rank was asked about when the micro-batch began."""
    explore_fraction: float
    """The share drawn at random, explored or held out, in expectation."""
    cost: float
    """What those asked about come to, in units of the budget: their number where costs do not differ."""
    candidates: int
    """Recent events whose utilities set the threshold."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a micro-batch is decided by, known before any of its draws. Shares are of the events that are not
    held out."""

    holdout: float
    """The share of all events to hold out."""
    explore: float
    """The share to explore."""
    steady: float
    moved: float
    """Its parts: what the level leaves alone, what it moves."""
    least: float
    most: float
    """Its bounds."""
    share: float
    """The share for the uncertain lane, of those exploration leaves."""
    ranked_share: float
    """The share that those of a rank may take: all, exploration's as well."""
    earned: float
    """What an event adds to the balance."""
    bottom: float
    """The balance at level 0."""
    span: float
    """From level 0 to level 1, in balance."""

    @classmethod
    def of(cls, rate: QueryRate, events: int, mean_cost: float, largest_cost: float) -> _Terms:
        """With costs of 1 the fraction is a share of events."""
        drawn_room = rate.explore_room / events
        holdout = min(rate.holdout_fraction / mean_cost, drawn_room, 1.0)
        others = max(1.0 - holdout, _TINY)
        fraction = min(max(rate.fraction / mean_cost - holdout, 0.0) / others, 1.0)
        explore = min(rate.explore_fraction / mean_cost / others, 1.0)
        most = min(MOST * explore, (drawn_room - holdout) / others, 1.0)
        earned = max(rate.fraction, rate.explore_fraction + rate.holdout_fraction)
        half_band = max(BAND * earned, SMALLEST_BAND * max(mean_cost, largest_cost))
        part = min(explore / max(fraction, _TINY), 1.0)
        return cls(
            holdout=holdout,
            explore=explore,
            steady=explore * (1.0 - part),
            moved=max(explore * part, _TINY),
            least=min(LEAST * explore, most),
            most=most,
            share=max((fraction - explore) / (1.0 - explore), _TINY) if explore < 1.0 else _TINY,
            ranked_share=max(fraction, _TINY),
            earned=earned,
            bottom=mean_cost - half_band,
            span=2.0 * half_band - mean_cost,
        )


class Gate:
    """Decides micro-batches; holds the recent utilities and the balance."""

    def __init__(self, window: int = 500) -> None:
        if window < 1:
            raise ValueError(f"window must be at least 1 event, not {window}")
        self._window = window
        self._recent = np.empty(0)
        self._mean_cost = 1.0
        self._balance = 0.5

    def decide(
        self,
        utilities: Floats,
        rate: QueryRate,
        explore_draws: Floats,
        tie_draws: Floats,
        ruling: Ruling | None = None,
        holdout_draws: Floats | None = None,
    ) -> GateDecisions:
        """Decides a micro-batch and remembers its utilities and what it spent.

        ``utilities`` in [0, 1], NaN for 1, and draws uniform in [0, 1), all of shape (events,). With costs,
        the fraction is what an event earns in units of the budget, and utilities should be per cost. Without
        ``holdout_draws`` the rate must hold nothing out.
        """
        count = len(utilities)
        if count == 0:
            return GateDecisions(np.empty(0, dtype=np.int8), np.empty(0), np.inf, 0.0, 0.0, 0)
        costs = None if ruling is None else ruling.costs
        terms = self._terms(rate, count, costs)
        ladder, above, equal = self._standing(utilities, ruling)
        places = above + (1.0 - tie_draws) * equal
        share = (
            terms.share if ruling is None else np.where(ruling.ranks > 0.0, terms.ranked_share, terms.share)
        )
        wanted = max(len(ladder), 1) * share
        prices = places / (places + wanted)
        beyond = np.maximum(explore_draws - terms.steady, 0.0)
        explore_prices = beyond / (beyond + terms.moved)
        explore_prices[explore_draws < terms.least] = -np.inf
        explore_prices[explore_draws >= terms.most] = np.inf
        if rate.fraction <= 0.0:
            prices[:] = np.inf
        held = None if holdout_draws is None else holdout_draws < terms.holdout
        if ruling is not None:
            prices[ruling.ranks < 0.0] = np.inf
            explore_prices[ruling.ranks == NEVER] = np.inf
            if held is not None:
                held &= ruling.ranks != NEVER

        lanes, levels, balance = self._walk(terms, prices, explore_prices, held, costs)
        room = round(rate.room - (terms.holdout + (1.0 - terms.holdout) * terms.explore) * count)
        if count >= room and np.count_nonzero(lanes == UNCERTAIN) >= room:
            # After the last one there is room for, nothing is asked about for its utility.
            full = int(np.cumsum(lanes == UNCERTAIN).searchsorted(room)) + 1 if room > 0 else 0
            prices[full:] = np.inf
            lanes, levels, balance = self._walk(terms, prices, explore_prices, held, costs)
        self._balance = balance

        odds = _odds(levels)
        explored = np.minimum(np.maximum(terms.steady + terms.moved * odds, terms.least), terms.most)
        explored[levels < 0.0] = terms.least
        chance = np.minimum(np.maximum((wanted * odds - above) / np.maximum(equal, 1), 0.0), 1.0)
        chance[prices == np.inf] = 0.0
        threshold = _threshold(ladder, terms.share * float(odds[0]))
        drawn = terms.holdout + (1.0 - terms.holdout) * explored
        if ruling is not None:
            drawn[ruling.ranks == NEVER] = 0.0
            lanes[(lanes == UNCERTAIN) & (ruling.ranks > 0.0) & (utilities < threshold)] = RULE
        return GateDecisions(
            lanes,
            propensities=drawn + (1.0 - drawn) * chance,
            threshold=threshold,
            explore_fraction=float(drawn.sum()) / count,
            cost=float(np.count_nonzero(lanes) if costs is None else costs[lanes > 0].sum()),
            candidates=len(ladder),
        )

    def _terms(self, rate: QueryRate, count: int, costs: Floats | None) -> _Terms:
        """What the rate comes to for a micro-batch of these costs."""
        mean, largest = (1.0, 1.0) if costs is None else (float(costs.mean()), float(costs.max()))
        self._mean_cost += min(count / self._window, 1.0) * (mean - self._mean_cost)
        return _Terms.of(rate, count, self._mean_cost, largest)

    def _standing(
        self, utilities: Floats, ruling: Ruling | None
    ) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
        """Where recent events stand in the order, those of this micro-batch among them, lowest first; and how
        many of them come before each of these, and are its equals, itself included."""
        order = np.where(np.isnan(utilities), 1.0, utilities)
        eligible = order
        if ruling is not None:
            order += _RANK * np.maximum(ruling.ranks, 0.0)
            eligible = order[ruling.ranks >= 0.0]
        self._recent = np.concatenate((self._recent, eligible))[-max(self._window, len(utilities)) :]
        ladder = np.sort(self._recent)
        below, not_above = standing(order, ladder)
        return ladder, len(ladder) - not_above, not_above - below

    def _walk(
        self,
        terms: _Terms,
        prices: Floats,
        explore_prices: Floats,
        held: NDArray[np.bool_] | None,
        costs: Floats | None,
    ) -> tuple[NDArray[np.int8], Floats, float]:
        """The lane of each event and the level before it was decided; the balance after them all."""
        # What a former rate left beyond twice the band is neither avenged nor made good.
        level = max((self._balance - terms.bottom) / terms.span, -2.0)
        earned = terms.earned / terms.span
        lowest = np.minimum(prices, explore_prices)
        if held is not None:
            lowest[held] = -np.inf
        before: list[float] = []
        charges = repeat(1.0 / terms.span) if costs is None else (costs / terms.span).tolist()
        for price, charge in zip(lowest.tolist(), charges, strict=False):
            level += earned
            if level > 1.0:
                level = 1.0
            before.append(level)
            if level >= price:
                level -= charge
        levels = np.fromiter(before, np.float64, len(before))
        lanes = np.where(levels >= prices, np.int8(UNCERTAIN), np.int8(NONE))
        lanes[levels >= explore_prices] = EXPLORE
        if held is not None:
            lanes[held] = HOLDOUT
        return lanes, levels, level * terms.span + terms.bottom


def _odds(levels: Floats) -> Floats:
    """x / (1 − x), from 0 to infinity."""
    held = np.maximum(levels, 0.0)
    return held / np.maximum(1.0 - held, _TINY)


def _threshold(ladder: Floats, share: float) -> float:
    """The utility that this share of the recent events reaches; infinite when those of a rank take it all."""
    place = min(share, 1.0) * len(ladder)
    if place <= 0.0:
        return np.inf
    threshold = float(ladder[-math.ceil(place)])
    return threshold if threshold < _RANK else np.inf
