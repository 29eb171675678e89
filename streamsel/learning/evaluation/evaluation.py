"""How good the model is over the whole stream, folded from the label log and the summaries.

What is estimated is the quality of the predictions made when events were decided, over all events decided in
a window of time that were predicted and within reach. A window ends ``settle_seconds`` ago: younger queries
may still be answered, and are no missing labels yet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.evaluation.aipw import NOTHING, Estimate, Z
from streamsel.learning.evaluation.answered import Answered
from streamsel.learning.evaluation.measures import Cell, Measures
from streamsel.learning.evaluation.population import SLOT, WHOLE, Population
from streamsel.learning.evaluation.ranking import MOST_ANSWERS, ranked
from streamsel.learning.evaluation.sums import Columns, Floats
from streamsel.records import LANES, Label, LogRecord, Retraction, Summary

HOUR, DAY = 3_600.0, 86_400.0
LAST_LABELS = 1_000
"""Of the window ``labels``: its events were decided since the first of so many."""
_HOLDOUT = LANES.index("holdout")


@dataclass(frozen=True, slots=True)
class Terms:
    """What an evaluation goes by."""

    labels: tuple[str, ...]
    settle_seconds: float
    """After which an unanswered query counts as never answered."""
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By predicted and true label; what is not named costs nothing."""

    @property
    def cost_table(self) -> Floats | None:
        """(labels, labels)"""
        if not self.costs:
            return None
        return np.array(
            [[self.costs.get(one, {}).get(other, 0.0) for other in self.labels] for one in self.labels]
        )


@dataclass(frozen=True, slots=True)
class CellQuality:
    """Of the whole stream, or of one segment."""

    events: int
    """Those the measures are of."""
    unpredicted: int
    """Beside them: the model said nothing about these."""
    unreached: int
    """These could not have been asked about."""
    asked: int
    answered: int
    measures: Measures


@dataclass(frozen=True, slots=True)
class WindowQuality:
    """Of the events decided in a window."""

    since: float
    until: float
    whole: CellQuality
    prequential: Mapping[str, float]
    """Accuracy and log loss of the labels alone, as though they were the stream: biased, for they were chosen
    for being hard."""
    held_out: Estimate
    """Accuracy of the labels of the holdout lane alone, each counting once: no model has learned from any."""
    labels: Mapping[str, Measures]
    """Each against the others."""
    segments: Mapping[str, CellQuality]
    """By ``field=value``."""


class Evaluation:
    """Takes in both logs, each in its order; tells what they say as of a time."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.answered = Answered(terms.labels)
        self.population = Population(terms.labels)

    def add_record(self, record: LogRecord) -> int | None:
        """A record of the label log; the row in ``answered`` if it is a new label that counts."""
        return self.answered.add(record) if isinstance(record, Label | Retraction) else None

    def add_summary(self, summary: Summary) -> bool:
        """Whether it counts."""
        return self.population.add(summary)

    def settled_until(self, now: float) -> float:
        """All events decided before have the labels they will have."""
        return (now - self.terms.settle_seconds) // SLOT * SLOT

    def windows(self, now: float) -> Mapping[str, WindowQuality]:
        """``hour``, ``day``, ``labels`` (the last ``LAST_LABELS``) and ``start``; none before the first
        settled event."""
        until = self.settled_until(now)
        begin = self.population.since
        if begin >= until:
            return {}
        at = np.sort(self.answered.decided_at(self.answered.rows(begin, until)))
        last = float(at[-LAST_LABELS]) if len(at) >= LAST_LABELS else begin
        starts = {"hour": until - HOUR, "day": until - DAY, "labels": last, "start": begin}
        return {
            name: self.window(max(self.population.start(start), begin), until)
            for name, start in starts.items()
        }

    def window(self, since: float, until: float) -> WindowQuality:
        """Between these times, both at the edge of a slot."""
        rows = self.answered.rows(since, until)
        sums = self.population.sums(since, until)
        answers = self.answered.answers(rows)
        cell = Cell(sums[WHOLE], answers)
        right = answers.predicted == answers.truth
        said = answers.probabilities[np.arange(len(answers)), answers.truth]
        return WindowQuality(
            since=since,
            until=until,
            whole=self._quality(sums[WHOLE], cell, rows, ranking=True),
            prequential={
                "accuracy": float(right.mean()) if len(right) else np.nan,
                "log_loss": float(-np.log(np.maximum(said, 1e-15)).mean()) if len(right) else np.nan,
            },
            held_out=_share(right[answers.lanes == _HOLDOUT]),
            labels={label: cell.of_label(number) for number, label in enumerate(self.terms.labels)},
            segments={
                name: self._segment(name, sums[name], rows) for name in self.population.cells if name in sums
            },
        )

    def accuracy(self, since: float, until: float) -> Estimate:
        """Alone, for courses of it."""
        rows = self.answered.rows(since, until)
        cell = Cell(self.population.sums(since, until)[WHOLE], self.answered.answers(rows))
        return cell.measures()["accuracy"]

    def _segment(self, name: str, row: Floats, rows: NDArray[np.intp]) -> CellQuality:
        own = self.answered.of_cell(name, rows)
        return self._quality(row, Cell(row, self.answered.answers(own)), own)

    def _quality(
        self, row: Floats, cell: Cell, rows: NDArray[np.intp], *, ranking: bool = False
    ) -> CellQuality:
        columns = Columns(len(self.terms.labels))
        measures = dict(cell.measures(self.terms.cost_table))
        if ranking:
            weights = cell.weighing.weights
            measures["calibration_error"] = cell.calibration_error()
            last = slice(-MOST_ANSWERS, None)
            measures |= ranked(self.answered.answers(rows[last]), weights[last])
        return CellQuality(
            events=round(cell.events),
            unpredicted=round(float(row[columns.unpredicted])),
            unreached=round(float(row[columns.unreached])),
            asked=round(cell.weighing.asked),
            answered=len(rows),
            measures=measures,
        )


def _share(right: NDArray[np.bool_]) -> Estimate:
    """With the interval of E. B. Wilson (JASA 1927)."""
    count = len(right)
    if not count:
        return NOTHING
    share, spread = float(right.mean()), Z**2 / count
    middle = (share + spread / 2.0) / (1.0 + spread)
    half = math.sqrt(spread * (share * (1.0 - share) + spread / 4.0)) / (1.0 + spread)
    return Estimate(share, middle - half, middle + half)
