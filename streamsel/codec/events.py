"""Micro-batches of raw records to events in columns.

A stream's events nearly always have the same fields. So the fields of the last event are assumed of the
next micro-batch: one ``itemgetter`` and one numpy conversion decode it whole; a batch that does not fit is
decoded event by event, with every check. Both ways give the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, Protocol

import numpy as np
import orjson

from streamsel.codec.fields import Unreadable
from streamsel.codec.layout import LARGEST_NUMBER, Layout
from streamsel.codec.poison import parse
from streamsel.records import DeadLetter, FeatureTable, Source, Value

_SCALARS = frozenset({int, float, bool, str, type(None)})
_NUMBERS = frozenset({int, float, bool})


class RawRecord(Protocol):
    """One record as it came from the stream."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class EventBatch:
    """The readable events of a micro-batch, in order. All sequences have one entry an event."""

    records: Sequence[RawRecord]
    ids: Sequence[str]
    objects: Sequence[Mapping[str, Any]]
    """The decoded JSON, for what only the few events asked about need."""
    table: FeatureTable
    segments: Sequence[Mapping[str, str]] | None
    """``None`` when the stream names no segments."""
    letters: Sequence[DeadLetter]
    """The records that were no events."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """The fields of one flat event, with the way to pick its features."""

    size: int
    names: tuple[str, ...]
    pick: Callable[[Mapping[str, Any]], tuple[Value, ...]]


class EventDecoder:
    """Decodes by a ``Layout``; ``max_bytes`` bounds a payload, ``max_features`` the features of an event."""

    def __init__(self, layout: Layout, *, max_bytes: int = 1_000_000, max_features: int = 10_000) -> None:
        self.layout = layout
        self._max_bytes = max_bytes
        self._max_features = max_features
        self._shape: _Shape | None = None

    def decode(self, records: Sequence[RawRecord], now: float) -> EventBatch:
        """All of ``records``, each as an event or as a dead letter dated ``now``."""
        return self._decode_alike(records) or self._decode_each(records, now)

    def _decode_alike(self, records: Sequence[RawRecord]) -> EventBatch | None:
        """The whole batch by the last shape, or ``None`` if anything about it is out of the ordinary."""
        shape = self._shape
        if shape is None or not records:
            return None
        payloads = [record.value or b"" for record in records]
        try:
            objects: list[dict[str, Any]] = list(map(orjson.loads, payloads))
            if set(map(len, objects)) != {shape.size}:
                return None
            rows = list(map(shape.pick, objects))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return None
        if len(max(payloads, key=len)) > self._max_bytes or not _keys_stand_once(payloads, objects):
            return None
        kinds = set(map(type, chain.from_iterable(rows)))
        if not kinds <= _SCALARS:
            return None
        matrix = None
        if kinds <= _NUMBERS:
            matrix = np.array(rows, dtype=np.float64)
            if not np.abs(matrix).max() <= LARGEST_NUMBER:
                return None
        elif float in kinds and not _in_range(rows):
            return None
        try:
            ids = [self._id(event, record) for event, record in zip(objects, records, strict=True)]
            for event in objects if self.layout.timestamp else ():
                self.layout.event_time(event)
            segments = list(map(self.layout.event_segments, objects)) if self.layout.segments else None
        except Unreadable:
            return None
        table = FeatureTable(shape.names, rows, matrix)
        return EventBatch(records, ids, objects, table, segments, ())

    def _decode_each(self, records: Sequence[RawRecord], now: float) -> EventBatch:
        kept: list[RawRecord] = []
        ids: list[str] = []
        objects: list[dict[str, Any]] = []
        features: list[dict[str, Value]] = []
        segments: list[Mapping[str, str]] = []
        letters: list[DeadLetter] = []
        for record in records:
            try:
                event = parse(record.value, self._max_bytes)
                event_id = self._id(event, record)
                event_features = self.layout.event_features(event)
                if len(event_features) > self._max_features:
                    raise Unreadable(
                        "too_large", f"{len(event_features)} features; at most {self._max_features} are taken"
                    )
                self.layout.event_time(event)
                event_segments = self.layout.event_segments(event)
            except Unreadable as unreadable:
                source = Source(record.topic, record.partition, record.offset)
                letters.append(
                    DeadLetter(unreadable.reason, unreadable.detail, source, record.value or b"", now)
                )
                continue
            kept.append(record)
            ids.append(event_id)
            objects.append(event)
            features.append(event_features)
            segments.append(event_segments)
        if objects:
            self._shape = self._shape_of(objects[-1], features[-1])
        return EventBatch(
            kept, ids, objects, _table(features), segments if self.layout.segments else None, letters
        )

    def _id(self, event: Mapping[str, Any], record: RawRecord) -> str:
        value = event.get(self.layout.id)
        if type(value) is str and value:
            return value
        event_id = self.layout.event_id(event)
        return event_id if event_id is not None else f"{record.topic}:{record.partition}:{record.offset}"

    def _shape_of(self, event: Mapping[str, Any], features: Mapping[str, Value]) -> _Shape | None:
        """``None`` for events that are not flat, and for those with a text that needs checking."""
        names = tuple(sorted(features))
        if self.layout.text is not None or len(names) < 2 or not all(name in event for name in names):
            return None
        return _Shape(len(event), names, itemgetter(*names))


def _keys_stand_once(payloads: Sequence[bytes], objects: Sequence[dict[str, Any]]) -> bool:
    """``poison.keys_are_unique`` over flat objects joined: the counts can only be equal if each is."""
    joined = b"\n".join(payloads)
    if b"\\\\" in joined or any(gap in joined for gap in (b" :", b"\t:", b"\n:", b"\r:")):
        return False
    return joined.count(b'":') - joined.count(b'\\":') == sum(map(len, objects))


def _in_range(rows: Sequence[tuple[Value, ...]]) -> bool:
    floats = [value for value in chain.from_iterable(rows) if type(value) is float]
    return max(map(abs, floats)) <= LARGEST_NUMBER


def _table(features: Sequence[Mapping[str, Value]]) -> FeatureTable:
    """Rows over the sorted union of the features' names."""
    names = tuple(sorted(set().union(*features)))
    rows = [tuple(map(one.get, names)) for one in features]
    matrix = None
    if rows and names and set(map(type, chain.from_iterable(rows))) <= _NUMBERS:
        matrix = np.array(rows, dtype=np.float64)
    return FeatureTable(names, rows, matrix)
