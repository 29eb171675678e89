"""More of the budget for the first events of a stream: no label is worth as much later."""

from __future__ import annotations

from dataclasses import replace

from streamsel.selection.capacity import QueryRate

FIRST = 80
"""So many events are asked about nearly twice as often: 0.8 % of 10,000 events, so that with what the
gate's band holds any 10,000 are still charged their fraction to 2 %."""
REPAID = 1_000
"""Events after them that are asked about less often, by a twelfth part, until as much is paid back."""


class Opening:
    """Lends to the first events of a stream what those after them pay back.

    A learning curve is steepest at its beginning: of the same number of labels those that come earlier serve
    more events. What is lent follows from counts alone, so the gate's propensities stay exact; the same part
    of what is asked is explored. It is paid back soon, so that short streams too are charged their fraction.
    """

    def __init__(self) -> None:
        self._events: int | None = None
        """Since the beginning."""

    def spread(self, rate: QueryRate, events: int, *, nothing_known: bool) -> QueryRate:
        """The rate for the next so many events. Nothing is lent, ever, unless ``nothing_known`` before the
        first of them: neither by labels, nor by a model that brought its knowledge along."""
        if self._events is None:
            self._events = 0 if nothing_known else FIRST + REPAID
        before = lent(self._events)
        self._events = min(self._events + events, FIRST + REPAID)
        lent_now = lent(self._events) - before
        if lent_now == 0.0:
            return rate
        # The more is asked about anyway, the less is lent; where all is, nothing.
        factor = 1.0 + (1.0 - rate.fraction) * lent_now / events
        return replace(rate, fraction=factor * rate.fraction, explore_fraction=factor * rate.explore_fraction)


def lent(events: int) -> float:
    """What the first so many events together have been lent, in events' worth of the budget."""
    repaid = min(max(events - FIRST, 0), REPAID) / REPAID
    return min(events, FIRST) - FIRST * repaid
