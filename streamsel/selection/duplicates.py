"""Near-duplicates: a burst of one pattern is asked about a few times, not once for every copy.

An event repeats a pattern when queries asked within the last window, answered or still pending, lie within a
small radius of it, and few more lie within three radii: ordinary neighbours, even in a dense stream, would
spread over the larger ball. A pattern may be asked about a few times a window, or some times its share of the
stream as it was windows ago, if that is more: what is always frequent is no burst.

What a stream holds is not changed by that: where suppression leaves too few other events to spend the budget
on, it gives way after a window, so that a stream of one pattern, old or new, is asked about as any other.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.acquisition.geometry import squared_distances
from streamsel.selection.candidates import Floats, Recent

Rows = NDArray[np.intp]

RADIUS = 0.03
"""In standard deviations, times √dimensions: of copies that jitter by 0.01 in each dimension it catches 96 of
100 in one, 99 in two, and nearly all in more."""
SPREAD = 3.0
"""Radii of the larger ball."""
MOST_ASKED = 256
"""Queries remembered."""
MOST_CHECKED = 512
"""Events of highest utility looked at in a micro-batch."""
EASE = 3.0
"""How much more than its share of queries a frequent pattern may have: with less, the gate would find too few
events in a stream of few patterns to spend the budget evenly."""
AGE = 2
"""Windows that a sample of the stream must be old to tell what is frequent, lest a burst vouch for itself."""
GOLDEN_RATIO = (math.sqrt(5.0) - 1.0) / 2.0
"""Its multiples, modulo 1, are spread as evenly as can be at any length."""


class Duplicates:
    """Suppresses what repeats. ``times`` a window, of so many events, a pattern may be asked about."""

    def __init__(self, times: int, window: int) -> None:
        self._times = times
        self._window = window
        self._events = 0
        self._points = np.empty((0, 0))
        """Of the latest micro-batch."""
        self._asked = np.empty((0, 0))
        self._asked_at = np.empty(0, np.intp)
        """Where in the stream."""
        self._sample = np.empty((0, 0))
        """Of the stream some windows ago."""
        self._next_sample = np.empty((0, 0))
        self._sampled_at = 0
        self._withheld = 0.0
        """Queries that suppression lately kept the budget from being spent on."""

    def suppressed(
        self,
        points: Floats,
        wanted: Floats,
        open_rows: NDArray[np.bool_],
        recent: Recent | None,
        fraction: float,
    ) -> Rows:
        """The rows that repeat a pattern once too often. Every call is the next micro-batch.

        ``points`` is (events, dimensions); ``wanted`` (events,) orders the events by which is asked about
        first, minus infinity for never. Only ``open_rows`` (a mask) may be suppressed, and only such as could
        be asked about when ``fraction`` of the events is.
        """
        count = len(points)
        if self._asked.shape[1] != points.shape[1]:
            self._asked, self._asked_at = np.empty((0, points.shape[1])), np.empty(0, np.intp)
        self._keep(recent)
        span = max(self._window, count)
        batch = _Batch(
            points,
            wanted,
            self._asked[self._asked_at.searchsorted(self._events - span) :],
            self._sample,
            self._times,
            EASE * fraction * span,
        )
        self._points = points
        self._events += count
        checked = min(math.ceil(2.0 * fraction * count) + self._times, MOST_CHECKED)
        left = open_rows.copy()
        hidden: list[Rows] = []
        while (excess := batch.excess(_most_wanted(wanted, left, checked), left)).size:
            left[excess] = False
            hidden.append(excess)
        if not hidden and not self._withheld:
            return np.empty(0, np.intp)
        rows = np.concatenate(hidden) if hidden else np.empty(0, np.intp)
        return self._released(rows, wanted, fraction)

    def note_asked(self, rows: Rows) -> None:
        """The rows of the latest micro-batch that were asked about, in any lane."""
        if not len(rows):
            return
        at = self._events - len(self._points) + rows
        self._asked = np.concatenate((self._asked, self._points[rows]))[-MOST_ASKED:]
        self._asked_at = np.concatenate((self._asked_at, at))[-MOST_ASKED:]

    def _keep(self, recent: Recent | None) -> None:
        """A new stream's past is short: its samples are taken whenever it has doubled."""
        if recent is not None and self._events - self._sampled_at >= min(
            AGE * self._window, self._sampled_at
        ):
            self._sample = self._next_sample
            self._next_sample = recent.points
            self._sampled_at = self._events

    def _released(self, rows: Rows, wanted: Floats, fraction: float) -> Rows:
        """What stays suppressed. Withheld is the level of a bucket: the budget fills it, every event left to
        ask about drains a query; what would flow over is released."""
        others = int(np.count_nonzero(np.isfinite(wanted))) - len(rows)
        self._withheld = max(self._withheld + min(fraction * len(wanted) - others, len(rows)), 0.0)
        released = min(int(max(self._withheld - fraction * self._window, 0.0)), len(rows))
        self._withheld -= released
        return _ordered(rows, wanted)[released:]


class _Batch:
    """A micro-batch beside what was asked lately."""

    def __init__(
        self, points: Floats, wanted: Floats, asked: Floats, sample: Floats, times: int, queries: float
    ) -> None:
        self._points = points
        self._wanted = wanted
        self._asked = asked
        self._sample = sample
        self._times = times
        self._queries = queries
        """What a pattern that is all there is may be asked about in a window."""
        self._near = RADIUS**2 * points.shape[1]
        self._around = SPREAD**2 * self._near

    def excess(self, rows: Rows, left: NDArray[np.bool_]) -> Rows:
        """Of all that are ``left``, those beyond the limit of a pattern found among ``rows``."""
        points = self._points[rows]
        others = np.concatenate((self._asked, points))
        distances = squared_distances(points, others)
        alike = distances <= self._near
        # Each is like itself, and hardly any like another.
        if np.count_nonzero(alike) < len(rows) + self._times:
            return np.empty(0, np.intp)
        near = np.count_nonzero(alike, axis=1)
        around = np.count_nonzero(distances <= self._around, axis=1)
        repeats = _ordered(rows[(near > self._times) & (around <= 2 * near)], self._wanted)
        hidden = [np.empty(0, np.intp)]
        while repeats.size:
            first = self._points[repeats[:1]]
            same = left & (squared_distances(self._points, first)[:, 0] <= self._near)
            same[repeats[0]] = True
            members = _ordered(np.flatnonzero(same), self._wanted)
            hidden.append(members[self._allowed(first) :])
            left = left & ~same
            repeats = repeats[~same[repeats]]
        return np.concatenate(hidden)

    def _allowed(self, point: Floats) -> int:
        """How many more queries may be asked about the pattern at ``point``, of shape (1, dimensions)."""
        limit = float(self._times)
        if len(self._sample) and self._sample.shape[1] == point.shape[1]:
            share = np.mean(squared_distances(self._sample, point) <= self._near)
            limit = max(limit, self._queries * float(share))
        asked = int(np.count_nonzero(squared_distances(self._asked, point) <= self._near))
        return max(int(limit) - asked, 0)


def _most_wanted(wanted: Floats, among: NDArray[np.bool_], count: int) -> Rows:
    """So many rows of a mask."""
    (rows,) = among.nonzero()
    if count >= len(rows):
        return rows
    values = wanted[rows]
    least = np.partition(values, len(rows) - count)[len(rows) - count]
    rows = rows[values >= least]
    return rows if len(rows) == count else _ordered(rows, wanted)[:count]


def _ordered(rows: Rows, wanted: Floats) -> Rows:
    """First the most wanted. Of equals every few form an even spread over the micro-batch, lest all that may
    be asked about stand at its beginning, where the budget has not yet been earned."""
    spread = rows * GOLDEN_RATIO % 1.0
    return rows[np.lexsort((spread, -wanted[rows]))]
