"""Quotas: every group of events gets at least its share of the queries, however sure the model is of it.

A group's account holds the queries it is owed: its share of all queries asked, less its own. Whole queries
owed are asked about the group's events of highest utility, ahead of others. As debts, unlike shares within a
window, are not forgotten by the fraction, even a share of less than a query a window is kept in the long run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.fields import Fields

RAISED = 1.0
"""The rank of events that a quota asks about: behind the rules, ahead of utility."""
MOST_GROUPS = 1000
"""What comes beyond them is one more group."""
REST = "(rest)"
"""The name of that group."""

_NO_GROUP = -1


@dataclass(frozen=True, slots=True)
class Quota:
    """The least share of queries for each group of a segment."""

    name: str
    segment: str
    """A segment, or ``predicted_class``."""
    least: float
    """In (0, 1]. Of more groups than it can be granted to, each gets an equal share."""
    values: tuple[str, ...] = ()
    """The groups it is granted to; empty for all that were seen in the last window."""


class QuotaAccounts:
    """One quota's accounts over a stream; ``window`` in events."""

    def __init__(self, quota: Quota, window: int) -> None:
        self._quota = quota
        self._window = window
        self._events = 0
        self._places = {value: place for place, value in enumerate(quota.values)}
        self._free = list(range(len(quota.values), MOST_GROUPS))[::-1]
        self._debts = np.zeros(MOST_GROUPS + 1)
        self._seen = np.full(MOST_GROUPS + 1, -np.inf)
        """Where in the stream each group was seen last."""
        self._groups = np.empty(0, np.intp)
        """Of the latest micro-batch, by row."""

    def raised(
        self, fields: Fields, utilities: NDArray[np.float64], open_rows: NDArray[np.bool_], fraction: float
    ) -> dict[int, str]:
        """Rows to ask about ahead of others, with their group's name. Every call is the next micro-batch.

        Only ``open_rows`` (a mask) may be raised; ``fraction`` is the share of events asked about, and
        bounds what a group that was long away, or had plenty, is owed or owes.
        """
        values = fields.texts(self._quota.segment)
        self._groups = self._place(values)
        self._events += len(values)
        most = max(self._share() * fraction * max(self._window, len(values)), 1.0)
        np.clip(self._debts, -most, most, out=self._debts)
        owed = np.floor(self._debts + 0.5).astype(np.intp)
        raised: dict[int, str] = {}
        present = np.unique(self._groups[self._groups != _NO_GROUP])
        for group in present[owed[present] > 0].tolist():
            rows = np.flatnonzero((self._groups == group) & open_rows)
            top = rows[np.argsort(-utilities[rows], kind="stable")[: owed[group]]]
            raised.update((row, REST if group == MOST_GROUPS else str(values[row])) for row in top.tolist())
        return raised

    def note_asked(self, rows: NDArray[np.intp]) -> None:
        """The rows of the latest micro-batch that were asked about, in any lane."""
        groups = self._groups[rows]
        self._debts += self._share() * len(rows)
        self._debts -= np.bincount(groups[groups != _NO_GROUP], minlength=MOST_GROUPS + 1)
        if not self._quota.values:
            self._debts[~self._alive()] = 0.0

    def _share(self) -> float:
        groups = len(self._quota.values) or np.count_nonzero(self._alive())
        return min(self._quota.least, 1.0 / max(groups, 1))

    def _alive(self) -> NDArray[np.bool_]:
        return self._seen > self._events - self._window

    def _place(self, values: list[str | None]) -> NDArray[np.intp]:
        """The group of each row."""
        if not self._quota.values:
            self._make_room(values)
        other = _NO_GROUP if self._quota.values else MOST_GROUPS
        places = {None: _NO_GROUP} | self._places
        groups = np.fromiter((places.get(value, other) for value in values), np.intp, len(values))
        self._seen[groups[groups != _NO_GROUP]] = self._events + len(values)
        return groups

    def _make_room(self, values: list[str | None]) -> None:
        """Places for new groups, those of groups that stayed away for a window among them."""
        # In order of appearance: a set's order would differ from process to process.
        new = [value for value in dict.fromkeys(values) if value is not None and value not in self._places]
        if len(new) > len(self._free):
            alive = self._alive()
            for value, place in [*self._places.items()]:
                if not alive[place]:
                    del self._places[value]
                    self._free.append(place)
        for value in new:
            if self._free:
                self._places[value] = self._free.pop()
