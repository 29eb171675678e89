"""Summaries of all events, by time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from streamsel.learning.evaluation.sums import Columns, Floats
from streamsel.records import Summary

SLOT, OLD_SLOT = 60.0, 3_600.0
"""Seconds; ``OLD_SLOT`` for what is older than ``_FINE_SECONDS``."""
_FINE_SECONDS = 26 * 3_600.0
_MOST_CELLS = 64
"""Beside the whole; segments first met after so many are only in the whole."""
WHOLE, REST = "", "*"


class Population:
    """The sums of each cell, slot by slot. A summary counts once, whatever came before it."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self._known: set[str] = set()
        self._slots: dict[float, dict[str, Floats]] = {}
        self._cells: set[str] = set()
        self._until = self._merged_to = -math.inf

    @property
    def cells(self) -> list[str]:
        """The cells of segments, by name."""
        return sorted(self._cells)

    @property
    def since(self) -> float:
        """When the first slot begins; infinite without any."""
        return min(self._slots, default=math.inf)

    def add(self, summary: Summary) -> bool:
        """Whether it counts: not if it is known already, or of other labels."""
        if summary.summary_id in self._known or summary.labels != self.labels:
            return False
        self._known.add(summary.summary_id)
        self._until = max(self._until, summary.decided_to)
        begins = self._slot_of(summary.decided_from)
        for name, row in zip(summary.cells, summary.sums, strict=True):
            if self._takes(name):
                self._put(begins, name, row)
        if self._fine_from > self._merged_to:
            self._merge_old()
        return True

    def start(self, at: float) -> float:
        """The start of the slot this time is in."""
        return self._slot_of(at)

    def sums(self, since: float, until: float) -> Mapping[str, Floats]:
        """By cell, of the slots that begin in this time; zeros where there was nothing."""
        width = Columns(len(self.labels)).width
        found: defaultdict[str, Floats] = defaultdict(lambda: np.zeros(width))
        for begins, cells in self._slots.items():
            if since <= begins < until:
                for name, row in cells.items():
                    found[name] = found[name] + row
        return found

    def _takes(self, name: str) -> bool:
        if name in (WHOLE, REST):
            return name == WHOLE
        if name not in self._cells and len(self._cells) < _MOST_CELLS:
            self._cells.add(name)
        return name in self._cells

    def _slot_of(self, at: float) -> float:
        width = SLOT if at >= self._fine_from else OLD_SLOT
        return at // width * width

    @property
    def _fine_from(self) -> float:
        """On the hour, so that no slot lies across it."""
        return (self._until - _FINE_SECONDS) // OLD_SLOT * OLD_SLOT if self._slots else -math.inf

    def _merge_old(self) -> None:
        self._merged_to = self._fine_from
        for begins in [one for one in self._slots if one < self._fine_from and one % OLD_SLOT]:
            for name, row in self._slots.pop(begins).items():
                self._put(self._slot_of(begins), name, row)

    def _put(self, begins: float, name: str, row: Floats) -> None:
        slot = self._slots.setdefault(begins, {})
        slot[name] = slot[name] + row if name in slot else row
