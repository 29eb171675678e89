"""A file, labelled in part or not at all, as a pool of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamsel.adapters.label_file import BadFile, NamedColumns, rows
from streamsel.codec.fields import Unreadable
from streamsel.codec.layout import Layout, as_text, find, shown
from streamsel.records import Features
from streamsel.services.seeding import content_id


@dataclass(frozen=True, slots=True)
class Pool:
    """Events that lie there, in the order of the file. Sequences have one entry an event."""

    path: Path
    layout: Layout
    ids: Sequence[str]
    """Distinct."""
    numbers: Sequence[int]
    """Of the rows, as ``rows`` counts them."""
    events: Sequence[Features]
    """By sorted names, missing values left out."""
    answers: Sequence[str | None]
    """The labels known."""
    segments: Sequence[Mapping[str, str]] | None = None
    """``None`` when no segments were asked for."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(events,)"""
        return np.array([answer is not None for answer in self.answers], np.bool_)


def load_pool(
    path: Path,
    layout: Layout,
    label: str | None = None,
    *,
    named: Sequence[str | None] = (),
    limit: int | None = None,
) -> Pool:
    """The first ``limit`` rows of the file, or all.

    ``label`` names the column with the labels that are known, empty or absent where none is; it is no
    feature. Columns ``named`` must be there. An event without an id is named by its content, so that rows
    without one that say the same are one event. Raises ``BadFile`` and ``NoSuchColumn``.
    """
    reader = _Reader(path, layout, label)
    columns = NamedColumns(path, (label, *named))
    for number, row in islice(rows(path), limit):
        columns.see(row)
        reader.read(number, row)
    columns.check()
    return reader.pool()


class _Reader:
    """Rows gathered into columns."""

    def __init__(self, path: Path, layout: Layout, label: str | None) -> None:
        self._path = path
        self._layout = layout
        self._label = label
        self._numbers: dict[str, int] = {}
        """Of the row, by event id."""
        self._answers: dict[str, str] = {}
        """By event id."""
        self._events: list[Features] = []
        self._segments: list[Mapping[str, str]] = []

    def read(self, number: int, row: Mapping[str, Any]) -> None:
        """The next row; raises ``BadFile``."""
        layout = self._layout
        try:
            event = layout.privacy.admitted({name: cell for name, cell in row.items() if name != self._label})
            given = layout.event_id(row)
            features = layout.event_features(event)
            segments = layout.event_segments(event)
        except Unreadable as unreadable:
            raise self._bad_row(number, unreadable.detail) from None
        event_id = given or content_id(event)
        answer = self._answer(number, row)
        if answer is not None:
            self._answers.setdefault(event_id, answer)
        if event_id in self._numbers:
            if given is None:
                return
            raise self._bad_row(
                number,
                f"column '{layout.id}' is '{given}' as in row {self._numbers[given]}; it must tell events "
                "apart: name another with --id",
            )
        self._numbers[event_id] = number
        self._events.append({name: value for name, value in sorted(features.items()) if value is not None})
        self._segments.append(segments)

    def pool(self) -> Pool:
        """What was read; raises ``BadFile`` when that is nothing."""
        if not self._events:
            raise BadFile(f"{self._path}: there is no row to pick from")
        return Pool(
            path=self._path,
            layout=self._layout,
            ids=tuple(self._numbers),
            numbers=tuple(self._numbers.values()),
            events=self._events,
            answers=[self._answers.get(event_id) for event_id in self._numbers],
            segments=self._segments if self._layout.segments else None,
        )

    def _answer(self, number: int, row: Mapping[str, Any]) -> str | None:
        value = None if self._label is None else find(row, self._label)
        if value is None or value == "":
            return None
        if isinstance(value, dict | list):
            raise self._bad_row(
                number, f"column '{self._label}' is {shown(value)}; a label is text, a number or a boolean"
            )
        return as_text(value)

    def _bad_row(self, number: int, complaint: str) -> BadFile:
        return BadFile(f"{self._path}: row {number}: {complaint}")
