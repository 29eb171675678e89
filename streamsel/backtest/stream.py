"""A labelled file as the events of a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamsel.adapters.label_file import BadFile, NamedColumns, rows
from streamsel.codec.fields import Unreadable
from streamsel.codec.layout import Layout, as_text, find, shown
from streamsel.records import Features

MOST_LABELS = 200
"""A column of more distinct values holds something else."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Events in the order of their arrival. Sequences and arrays have one entry an event."""

    labels: tuple[str, ...]
    """Sorted, two or more; of two, the second is the positive one."""
    events: Sequence[Features]
    """By sorted names, missing values left out, as the label log holds them."""
    truth: NDArray[np.int64]
    """Index into ``labels``."""
    ids: Sequence[str]
    """Distinct."""
    segments: Sequence[Mapping[str, str]] | None = None
    """``None`` when no segments were asked for."""
    times: NDArray[np.float64] | None = None
    """Arrival in seconds since the epoch, never falling; ``None`` when no timestamp was named."""
    text: str | None = None
    """The feature that holds free text."""

    def __len__(self) -> int:
        return len(self.events)


def load_stream(
    path: Path,
    label: str,
    *,
    id: str | None = None,  # noqa: A002 - the column's name everywhere else
    exclude: Sequence[str] = (),
    text: str | None = None,
    timestamp: str | None = None,
    segments: Sequence[str] = (),
    limit: int | None = None,
    configured: Layout | None = None,
) -> Stream:
    """The first ``limit`` rows of the file, or all, with the fields of each treated as the live stream's are.

    ``label`` names the column with the label, which is no feature; numbers in it become text. What is not
    named is as ``configured``: without an id a row is named by its number. Raises ``BadFile`` and
    ``NoSuchColumn``.
    """
    known = configured or Layout()
    layout = replace(
        known,
        id=id or known.id,
        exclude=(*known.exclude, *exclude, label),
        text=text or known.text,
        timestamp=timestamp or known.timestamp,
        segments=tuple(segments) or known.segments,
    )
    reader = _Reader(path, layout, label)
    named = NamedColumns(path, (label, *exclude, *segments, id, text, timestamp))
    for number, row in islice(rows(path), limit):
        named.see(row)
        if label in named.missing or id in named.missing:
            break
        reader.read(number, row)
    named.check()
    return reader.stream()


class _Reader:
    """Rows gathered into columns."""

    def __init__(self, path: Path, layout: Layout, label: str) -> None:
        self._path = path
        self._layout = layout
        self._label = label
        self._labels: dict[str, int] = {}
        """To their index, in the order of their first events."""
        self._truth: list[int] = []
        self._ids: dict[str, int] = {}
        """To the row."""
        self._events: list[Features] = []
        self._segments: list[Mapping[str, str]] = []
        self._times: list[float] = []

    def read(self, number: int, row: Mapping[str, Any]) -> None:
        """The next row; raises ``BadFile``."""
        layout = self._layout
        try:
            event_id = layout.event_id(row) or f"row {number}"
            event = layout.privacy.admitted(row)
            features = layout.event_features(event)
            event_time = layout.event_time(event)
            if layout.segments:
                self._segments.append(layout.event_segments(event))
        except Unreadable as unreadable:
            raise self._bad_row(number, unreadable.detail) from None
        if event_id in self._ids:
            raise self._bad_row(
                number,
                f"column '{layout.id}' is '{event_id}' as in row {self._ids[event_id]}; it must tell events "
                "apart: name another with --id",
            )
        label = self._label_of(number, row)
        self._truth.append(self._labels.setdefault(label, len(self._labels)))
        if len(self._labels) > MOST_LABELS:
            raise self._bad_row(
                number, f"column '{self._label}' has more than {MOST_LABELS} values; it must hold the label"
            )
        self._ids[event_id] = number
        self._events.append({name: value for name, value in sorted(features.items()) if value is not None})
        self._times.append(np.nan if event_time is None else event_time)

    def stream(self) -> Stream:
        """What was read; raises ``BadFile`` when that is no stream to learn from."""
        if len(self._labels) < 2:
            found = ", ".join(f"'{label}'" for label in self._labels) or "none"
            raise BadFile(
                f"{self._path}: column '{self._label}' must hold two or more different labels; among "
                f"{len(self._events)} rows there is {found}"
            )
        labels = tuple(sorted(self._labels))
        index = np.array([labels.index(label) for label in self._labels], dtype=np.int64)
        return Stream(
            labels=labels,
            events=self._events,
            truth=index[self._truth],
            ids=tuple(self._ids),
            segments=self._segments or None,
            times=self._arrivals(),
            text=self._layout.text,
        )

    def _arrivals(self) -> NDArray[np.float64] | None:
        """An event without a time, or with one that is past, arrives with the event before it."""
        if self._layout.timestamp is None:
            return None
        times = np.array(self._times)
        known = times[~np.isnan(times)]
        if not len(known):
            raise BadFile(f"{self._path}: column '{self._layout.timestamp}' has no time in any row")
        latest: NDArray[np.float64] = np.fmax.accumulate(np.append(known[0], times))[1:]
        return latest

    def _label_of(self, number: int, row: Mapping[str, Any]) -> str:
        value = find(row, self._label)
        if value is None or value == "":
            raise self._bad_row(number, f"column '{self._label}' is missing or empty; it must hold the label")
        if isinstance(value, dict | list):
            raise self._bad_row(
                number, f"column '{self._label}' is {shown(value)}; a label is text, a number or a boolean"
            )
        return as_text(value)

    def _bad_row(self, number: int, complaint: str) -> BadFile:
        return BadFile(f"{self._path}: row {number}: {complaint}")
