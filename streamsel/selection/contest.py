"""Which events of a micro-batch are in the running, and which of them are asked about: see ``gate``.

The balance is the one thing in the gate that goes from event to event. But while its level stays below some
ceiling only the most useful events and the lowest exploration draws can have a price that it reaches. So only
these are walked through; should the level rise above the ceiling, it is done again with a higher one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.candidates import Floats
from streamsel.selection.capacity import QueryRate
from streamsel.selection.ranking import standing
from streamsel.selection.ruling import NEVER

Rows = NDArray[np.intp]

BAND = 80.0
"""Half the band, in events' worth: all of it is 1.6 % of 10,000 events, and exploration's luck adds to it."""
SMALLEST_BAND = 1.25
"""Half the band in queries, at least: among fewer there would be nothing to choose."""
LEAST, MOST = 0.25, 4.0
"""What the level may make of the share to explore: 1/π stays bounded, and exploration a part of the whole."""
TINY = 1e-100
"""A share that is nothing, to divide by."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a micro-batch is decided by, known before any of its draws."""

    explore: float
    """The share of events to explore."""
    steady: float
    moved: float
    """Its parts: what the level leaves alone, what it moves."""
    least: float
    most: float
    """Its bounds."""
    share: float
    """The share of events for the uncertain lane, of those exploration leaves."""
    ranked_share: float
    """The share of events that those of a rank may take: all, exploration's as well."""
    earned: float
    """What an event adds to the balance."""
    bottom: float
    """The balance at level 0."""
    span: float
    """From level 0 to level 1, in balance."""

    @classmethod
    def of(cls, rate: QueryRate, events: int, mean_cost: float, largest_cost: float) -> Terms:
        """With costs of 1 the fraction is a share of events."""
        fraction = min(rate.fraction / mean_cost, 1.0)
        explore = min(rate.explore_fraction / mean_cost, 1.0)
        most = min(MOST * explore, rate.explore_room / events, 1.0)
        earned = max(rate.fraction, rate.explore_fraction)
        half_band = max(BAND * earned, SMALLEST_BAND * max(mean_cost, largest_cost))
        part = min(explore / max(fraction, TINY), 1.0)
        return cls(
            explore=explore,
            steady=explore * (1.0 - part),
            moved=max(explore * part, TINY),
            least=min(LEAST * explore, most),
            most=most,
            share=max((fraction - explore) / (1.0 - explore), TINY) if explore < 1.0 else TINY,
            ranked_share=max(fraction, TINY),
            earned=earned,
            bottom=mean_cost - half_band,
            span=2.0 * half_band - mean_cost,
        )


class Walk(NamedTuple):
    """What came of a contest."""

    levels: Floats
    """(events,): before each event was decided."""
    asked: list[int]
    """Places among the contenders."""
    end: float
    """The level after all events."""


@dataclass(frozen=True, slots=True)
class Contest:
    """The events that a level up to the ceiling may ask about. Arrays of shape (contenders,)."""

    ceiling: float
    count: int
    """Events of the micro-batch."""
    rows: Rows
    """Which of them these are, ascending."""
    wanted: Floats | float
    """How many of the recent events, in order, the uncertain lane takes at odds of 1."""
    above: Rows
    """Recent events that come before each."""
    equal: Rows
    """Its equals, itself included."""
    prices: Floats
    """The levels from which on each is asked about for its utility."""
    explore_prices: Floats
    """And explored."""

    @classmethod
    def of(
        cls,
        terms: Terms,
        ceiling: float,
        ladder: Floats,
        order: Floats,
        explore_draws: Floats,
        tie_draws: Floats,
        ranks: Floats | None,
    ) -> Contest:
        """``order`` is (events,): where each stands, by rank and utility; ``ladder`` the same of recent ones,
        ascending. Draws and ranks are (events,)."""
        count, recent = len(order), max(len(ladder), 1)
        odds = ceiling / (1.0 - ceiling) if ceiling < 1.0 else np.inf
        share = terms.share if ranks is None else max(terms.share, terms.ranked_share)
        reach = recent * share * odds
        if reach < len(ladder):
            explored = min(terms.steady + terms.moved * odds, terms.most)
            (rows,) = ((order >= ladder[-math.ceil(reach)]) | (explore_draws <= explored)).nonzero()
            order, explore_draws, tie_draws = order[rows], explore_draws[rows], tie_draws[rows]
            ranks = None if ranks is None else ranks[rows]
        else:
            rows = np.arange(count)
        below, not_above = standing(order, ladder)
        above, equal = len(ladder) - not_above, not_above - below
        wanted: Floats | float = recent * terms.share
        if ranks is not None:
            wanted = recent * np.where(ranks > 0.0, terms.ranked_share, terms.share)
        places = above + (1.0 - tie_draws) * equal
        prices = places / (places + wanted)
        beyond = np.maximum(explore_draws - terms.steady, 0.0)
        explore_prices = beyond / (beyond + terms.moved)
        explore_prices[explore_draws < terms.least] = -np.inf
        explore_prices[explore_draws >= terms.most] = np.inf
        if ranks is not None:
            prices[ranks < 0.0] = np.inf
            explore_prices[ranks == NEVER] = np.inf
        return cls(ceiling, count, rows, wanted, above, equal, prices, explore_prices)

    def walk(self, level: float, earned: float, charges: Iterable[float]) -> Walk | None:
        """From this level on, which rises by ``earned`` with every event up to 1, and falls by its charge
        with every contender asked about. ``None`` when it comes to lie above the ceiling."""
        # Between two queries a level is a matter of the event's number, whoever the contenders are: so it is
        # the same, to the last bit, for those who are none.
        ceiling, base = self.ceiling, level
        asked: list[int] = []
        since, bases = [0], [level]
        lowest = np.minimum(self.prices, self.explore_prices).tolist()
        numbers = (self.rows + 1).tolist()
        for place, (number, price, charge) in enumerate(zip(numbers, lowest, charges, strict=False)):
            level = base + earned * number
            if level > ceiling:
                if ceiling < 1.0:
                    return None
                level = 1.0
            if level >= price:
                asked.append(place)
                base = base - charge if level < 1.0 else 1.0 - charge - earned * number
                since.append(number)
                bases.append(base)
        end = base + earned * self.count
        if end > ceiling < 1.0:
            return None
        since.append(self.count)
        stretches = np.array(since)
        levels = np.array(bases).repeat(stretches[1:] - stretches[:-1])
        levels += earned * np.arange(1.0, self.count + 1.0)
        return Walk(np.minimum(levels, 1.0, out=levels), asked, min(end, 1.0))

    def chances(self, odds: Floats) -> Floats:
        """That each is asked about for its utility, at these odds of its level."""
        chances: Floats = (self.wanted * odds - self.above) / np.maximum(self.equal, 1)
        chances = np.minimum(np.maximum(chances, 0.0), 1.0)
        chances[self.prices == np.inf] = 0.0
        return chances
