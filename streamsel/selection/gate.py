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

likely to be asked about, exactly: with A = 1 for an event that was asked about and 0 for another, A / π − 1
is a martingale difference, and sums weighted by 1 / π are unbiased. Micro-batches matter only to what is
recent: all events of an event's own are.

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

from streamsel.selection.candidates import Floats
from streamsel.selection.capacity import QueryRate
from streamsel.selection.contest import TINY, Contest, Terms, Walk
from streamsel.selection.ruling import NEVER, Ruling

NONE, UNCERTAIN, EXPLORE, RULE = 0, 1, 2, 3
"""Lane codes in ``GateDecisions.lanes``."""
CEILINGS = (0.85, 0.97, 1.0)
"""Levels up to which the contenders are looked for, one after the other; no level is above the last."""
_RANK = 1e6
"""From one rank to the next in the order; no utility is as large."""


@dataclass(frozen=True, slots=True)
class GateDecisions:
    """One micro-batch decided. Arrays of shape (events,)."""

    lanes: NDArray[np.int8]
    """``NONE``, ``UNCERTAIN``, ``EXPLORE``, or ``RULE``: asked about for its rank, its utility being below
    the threshold."""
    propensities: Floats
    threshold: float
    """The utility above which an event without rank was asked about when the micro-batch began."""
    explore_fraction: float
    """The share explored, in expectation."""
    cost: float
    """What those asked about come to, in units of the budget: their number where costs do not differ."""


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
    ) -> GateDecisions:
        """Decides a micro-batch and remembers its utilities and what it spent.

        ``utilities`` in [0, 1], NaN for 1, and draws uniform in [0, 1), all of shape (events,). With costs,
        the fraction is what an event earns in units of the budget, and utilities should be per cost.
        """
        count = len(utilities)
        if count == 0:
            return GateDecisions(np.empty(0, dtype=np.int8), np.empty(0), np.inf, 0.0, 0.0)
        costs = None if ruling is None else ruling.costs
        terms = self._terms(rate, count, costs)
        order, ladder = self._standing(utilities, ruling)
        ranks = None if ruling is None else ruling.ranks
        # What a former rate left beyond twice the band is neither avenged nor made good.
        level = max((self._balance - terms.bottom) / terms.span, -2.0)
        ceilings = iter(CEILINGS)
        while True:
            contest = Contest.of(terms, next(ceilings), ladder, order, explore_draws, tie_draws, ranks)
            if rate.fraction <= 0.0:
                contest.prices[:] = np.inf
            walk = _walked(contest, level, terms, costs, round(rate.room - terms.explore * count))
            if walk is not None:
                break
        self._balance = walk.end * terms.span + terms.bottom

        levels, odds = walk.levels, _odds(walk.levels)
        explored = np.minimum(np.maximum(terms.steady + terms.moved * odds, terms.least), terms.most)
        explored[levels < 0.0] = terms.least
        if ranks is not None:
            explored[ranks == NEVER] = 0.0
        chances = contest.chances(odds[contest.rows])
        propensities = explored.copy()
        propensities[contest.rows] += (1.0 - explored[contest.rows]) * chances
        lanes = np.zeros(count, np.int8)
        lanes[contest.rows] = _lanes(contest, walk)
        threshold = _threshold(ladder, terms.share * float(odds[0]))
        if ranks is not None:
            lanes[(lanes == UNCERTAIN) & (ranks > 0.0) & (utilities < threshold)] = RULE
        return GateDecisions(
            lanes,
            propensities=propensities,
            threshold=threshold,
            explore_fraction=float(explored.sum()) / count,
            cost=float(np.count_nonzero(lanes) if costs is None else costs[lanes > 0].sum()),
        )

    def _terms(self, rate: QueryRate, count: int, costs: Floats | None) -> Terms:
        """What the rate comes to for a micro-batch of these costs."""
        mean, largest = (1.0, 1.0) if costs is None else (float(costs.mean()), float(costs.max()))
        self._mean_cost += min(count / self._window, 1.0) * (mean - self._mean_cost)
        return Terms.of(rate, count, self._mean_cost, largest)

    def _standing(self, utilities: Floats, ruling: Ruling | None) -> tuple[Floats, Floats]:
        """Where each event stands in the order, (events,); and where recent events do, those of this
        micro-batch among them, lowest first."""
        order = np.where(np.isnan(utilities), 1.0, utilities)
        eligible = order
        if ruling is not None:
            order += _RANK * np.maximum(ruling.ranks, 0.0)
            eligible = order[ruling.ranks >= 0.0]
        self._recent = np.concatenate((self._recent, eligible))[-max(self._window, len(utilities)) :]
        return order, np.sort(self._recent)


def _walked(contest: Contest, level: float, terms: Terms, costs: Floats | None, room: int) -> Walk | None:
    """Through the contest; after the last event there is room for nothing is asked about for its utility."""
    earned = terms.earned / terms.span
    charges = None if costs is None else (costs[contest.rows] / terms.span).tolist()

    def walked() -> Walk | None:
        return contest.walk(level, earned, repeat(1.0 / terms.span) if charges is None else charges)

    walk = walked()
    if walk is not None and len(walk.asked) >= room:
        taken = np.flatnonzero(_lanes(contest, walk) == UNCERTAIN)
        if len(taken) >= room:
            contest.prices[int(taken[room - 1]) + 1 if room > 0 else 0 :] = np.inf
            walk = walked()
    return walk


def _lanes(contest: Contest, walk: Walk) -> NDArray[np.int8]:
    """Of shape (contenders,)."""
    asked = np.array(walk.asked, np.intp)
    lanes = np.zeros(len(contest.rows), np.int8)
    explored = walk.levels[contest.rows[asked]] >= contest.explore_prices[asked]
    lanes[asked] = np.where(explored, np.int8(EXPLORE), np.int8(UNCERTAIN))
    return lanes


def _odds(levels: Floats) -> Floats:
    """x / (1 − x), from 0 to infinity."""
    held = np.maximum(levels, 0.0)
    return held / np.maximum(1.0 - held, TINY)


def _threshold(ladder: Floats, share: float) -> float:
    """The utility that this share of the recent events reaches; infinite when those of a rank take it all."""
    place = min(share, 1.0) * len(ladder)
    if place <= 0.0:
        return np.inf
    threshold = float(ladder[-math.ceil(place)])
    return threshold if threshold < _RANK else np.inf
