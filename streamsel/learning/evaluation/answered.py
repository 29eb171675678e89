"""The labels that tell of quality: one row a label id, kept as arrays that grow."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from streamsel.experience import shares_of
from streamsel.learning.evaluation.aipw import Answers
from streamsel.learning.evaluation.sums import ASKED, LEAST_PROPENSITY, Floats
from streamsel.records import Label, LabelSource, Retraction

SOURCES: tuple[LabelSource, ...] = ("reviewer", "consensus", "outcome")
"""Whose labels count as the truth: people's, and what happened in the end."""
_NONE = -1
_FIRST_ROOM = 1_024


class Answered:
    """Every label id's newest revision, in the order in which ids were first met; some 100 bytes each.

    The order in which the records of an id come makes no difference.
    """

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self._index = {label: number for number, label in enumerate(labels)}
        self._known: dict[int, tuple[int, int]] = {}
        """By hash of the label id: the newest revision, and its row if it ever had one."""
        self._count = 0
        self._truth = np.full(_FIRST_ROOM, _NONE, dtype=np.int32)
        """``_NONE``: taken back, or of no use."""
        self._probabilities = np.zeros((_FIRST_ROOM, len(labels)))
        self._propensities = np.zeros(_FIRST_ROOM)
        self._lanes = np.zeros(_FIRST_ROOM, dtype=np.int8)
        self._decided_at = np.zeros(_FIRST_ROOM)
        self._seconds = np.zeros(_FIRST_ROOM)
        self._cells: dict[str, array[int]] = {}
        """By segment's cell, the rows of its events."""

    def add(self, record: Label | Retraction) -> int | None:
        """Takes a record into account. Returns the row of a label that was not known and counts."""
        key = xxhash.xxh3_128_intdigest(record.label_id.encode("utf-8", "surrogatepass"))
        revision, row = self._known.get(key, (0, _NONE))
        if record.revision <= revision:
            return None
        usable = self._usable(record) if isinstance(record, Label) else None
        if usable is None:
            self._known[key] = (record.revision, row)
            if row != _NONE:
                self._truth[row] = _NONE
            return None
        label, said = usable
        new = row == _NONE
        if new:
            row = self._new_row()
            for name, value in label.segments.items():
                self._cells.setdefault(f"{name}={value}", array("q")).append(row)
        self._known[key] = (record.revision, row)
        self._truth[row] = self._index[label.label]
        self._probabilities[row] = said
        self._propensities[row] = label.propensity
        self._lanes[row] = ASKED.index(label.lane) + 1
        self._decided_at[row] = label.decided_at
        if label.seconds is not None:
            self._seconds[row] = label.seconds
        return row if new else None

    def rows(self, since: float, until: float) -> NDArray[np.intp]:
        """Those of labels that count and of events decided in this time."""
        at = self._decided_at[: self._count]
        return np.flatnonzero((self._truth[: self._count] != _NONE) & (at >= since) & (at < until))

    def answers(self, rows: NDArray[np.intp]) -> Answers:
        """As the estimate takes them."""
        return Answers(
            self._truth[rows].astype(np.intp),
            self._probabilities[rows],
            self._propensities[rows],
            self._lanes[rows],
        )

    def decided_at(self, rows: NDArray[np.intp]) -> Floats:
        """When their events were."""
        return self._decided_at[rows]

    def seconds(self, rows: NDArray[np.intp]) -> float:
        """Reviewers' time they took, as far as it is known."""
        return float(self._seconds[rows].sum())

    def of_cell(self, name: str, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of them whose events belong to the cell of a segment."""
        own = np.zeros(self._count, dtype=np.bool_)
        own[np.array(self._cells.get(name, array("q")), dtype=np.intp)] = True
        return rows[own[rows]]

    def _usable(self, label: Label) -> tuple[Label, list[float]] | None:
        """With what was predicted; ``None`` when nothing is told by it about quality."""
        said = shares_of(label.probabilities, self.labels)
        if (
            said is None
            or label.source not in SOURCES
            or label.label not in self._index
            or label.lane not in ASKED
            or label.propensity < LEAST_PROPENSITY
            or label.decided_at is None
        ):
            return None
        return label, said

    def _new_row(self) -> int:
        if self._count == len(self._truth):
            for name in ("_truth", "_probabilities", "_propensities", "_lanes", "_decided_at", "_seconds"):
                column: NDArray[Any] = getattr(self, name)
                setattr(self, name, np.concatenate((column, np.zeros_like(column))))
        self._count += 1
        return self._count - 1
