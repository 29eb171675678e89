"""What is summed over all events, labelled or not, so that the few labels can be weighed against them.

The sums of one cell (the whole stream, or one value of a segment) are one row of numbers:

    expected     (labels, labels)   probabilities of each label, summed over the events predicted as another
    entropy      1                  of the predictions, in nats
    histogram    (labels, BINS)     events by what they were predicted as, and how probable that was
    asked        (lanes)            queries by lane
    unpredicted  1                  events the model said nothing about
    unreached    1                  events that could not have been asked about

Only events that were predicted and could have been asked about are in the others: of the rest no label can
tell anything. A row of ``expected`` sums to the number of events that were predicted as its label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamsel.records import LANES, Lane

Floats = NDArray[np.float64]

BINS = 10
"""Equal ones, of a probability."""
ASKED: tuple[Lane, ...] = LANES[1:]
"""The lanes of queries, by the gate's codes less 1."""
LEAST_PROPENSITY = 1e-4
"""An event that was less likely to be asked about counts as out of reach: one label of such an event would
outweigh ten thousand others."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row the sums for so many labels stand."""

    labels: int

    @property
    def expected(self) -> slice:
        return slice(0, self.entropy)

    @property
    def entropy(self) -> int:
        return self.labels * self.labels

    @property
    def histogram(self) -> slice:
        return slice(self.entropy + 1, self._asked)

    @property
    def asked(self) -> slice:
        return slice(self._asked, self.unpredicted)

    @property
    def unpredicted(self) -> int:
        return self._asked + len(ASKED)

    @property
    def unreached(self) -> int:
        return self.unpredicted + 1

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return self.unreached + 1

    @property
    def _asked(self) -> int:
        return self.entropy + 1 + self.labels * BINS


@dataclass(frozen=True, slots=True)
class DecidedEvents:
    """A micro-batch as it was decided."""

    probabilities: Floats
    """(events, labels), or (events, 0); NaN for no opinion."""
    lanes: NDArray[np.int8]
    """(events,), the gate's codes."""
    propensities: Floats
    """(events,)"""


@dataclass(frozen=True, slots=True)
class Membership:
    """Which events belong to which cells beside the whole; both (pairs,)."""

    rows: NDArray[np.intp]
    cells: NDArray[np.intp]


def summed(events: DecidedEvents, labels: int, cells: int, membership: Membership | None = None) -> Floats:
    """The sums of a micro-batch, (cells, width). Cell 0 is all of it."""
    columns = Columns(labels)
    terms, weights = _terms(events, columns)
    totals = np.zeros((cells, columns.width))
    totals[0] = np.bincount(terms.ravel(), weights.ravel(), columns.width)
    if membership is not None:
        places = terms[:, membership.rows] + columns.width * membership.cells
        amounts = weights[:, membership.rows]
        totals += np.bincount(places.ravel(), amounts.ravel(), totals.size).reshape(totals.shape)
    return totals


def binned(probabilities: Floats) -> NDArray[np.intp]:
    """The bin of each."""
    return np.minimum((probabilities * BINS).astype(np.intp), BINS - 1)


def entropies(probabilities: Floats) -> Floats:
    """Of each row, in nats."""
    logarithms = np.log(np.maximum(probabilities, 1e-300))
    found: Floats = -np.einsum("ij,ij->i", probabilities, logarithms)
    return found


def _terms(events: DecidedEvents, columns: Columns) -> tuple[NDArray[np.intp], Floats]:
    """Column and amount of everything an event adds; both (terms, events)."""
    labels = columns.labels
    count = len(events.lanes)
    said = events.probabilities
    terms = np.empty((labels + 4, count), dtype=np.intp)
    weights = np.ones((labels + 4, count))
    if said.shape[1] != labels:
        said = np.full((count, labels), np.nan)
    known = np.isfinite(said.sum(axis=1))
    if not known.all():
        said = np.where(known[:, None], said, 1.0 / labels)
    reached = events.propensities >= LEAST_PROPENSITY
    counted = known & reached
    predicted = said.argmax(axis=1)
    for label in range(labels):
        terms[label] = predicted * labels + label
        weights[label] = said[:, label]
    terms[labels] = columns.histogram.start + predicted * BINS + binned(said.max(axis=1))
    terms[labels + 1] = columns.entropy
    weights[labels + 1] = entropies(said)
    terms[labels + 2] = columns.asked.start + np.maximum(events.lanes, 1) - 1
    weights[labels + 2] = events.lanes > 0
    if not counted.all():
        weights *= counted
    terms[labels + 3] = np.where(reached, columns.unpredicted, columns.unreached)
    weights[labels + 3] = ~counted
    return terms, weights
