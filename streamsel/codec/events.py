"""Micro-batches of raw records to events in columns.

A stream's events nearly always have the same fields. So the fields of the last event are assumed of the
next micro-batch: its shape decodes it whole, without a dictionary an event; a batch that does not fit is
decoded event by event, with every check. Both ways give the same result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, starmap
from struct import Struct, error
from typing import Any, Protocol, overload

import numpy as np
import orjson
from msgspec import MsgspecError
from numpy.typing import NDArray

from streamsel.codec.fields import Unreadable
from streamsel.codec.layout import LARGEST_NUMBER, Layout
from streamsel.codec.poison import parse
from streamsel.codec.privacy import Privacy
from streamsel.codec.shape import Shape
from streamsel.records import DeadLetter, FeatureTable, Source, Value

_SCALARS = frozenset({int, float, bool, str, type(None)})


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
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


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


class EventDecoder:
    """Decodes by a ``Layout``; ``max_bytes`` bounds a payload, ``max_features`` the features of an event."""

    def __init__(self, layout: Layout, *, max_bytes: int = 1_000_000, max_features: int = 10_000) -> None:
        self.layout = layout
        self._max_bytes = max_bytes
        self._max_features = max_features
        self._shape: Shape | None = None

    def decode(self, records: Sequence[RawRecord], now: float) -> EventBatch:
        """All of ``records``, each as an event or as a dead letter dated ``now``."""
        return self._decode_alike(records) or self._decode_each(records, now)

    def event_id(self, record: RawRecord) -> str | None:
        """The id ``decode`` gives this record's event; ``None`` when it is no event."""
        batch = self._decode_each([record], 0.0)
        return batch.ids[0] if batch.ids else None

    def _decode_alike(self, records: Sequence[RawRecord]) -> EventBatch | None:
        """The whole batch by the last shape, or ``None`` if anything about it is out of the ordinary."""
        shape = self._shape
        if shape is None or not records:
            return None
        payloads = [record.value or b"" for record in records]
        try:
            rows = shape.rows(payloads)
        except (ValueError, KeyError, TypeError, MsgspecError):
            return None
        fields = len(shape.fields) * len(rows)
        if len(max(payloads, key=len)) > self._max_bytes or not _keys_stand_once(payloads, fields):
            return None
        try:
            if self.layout.privacy:
                rows = shape.admitted(rows, self.layout.privacy)
            features = list(map(shape.features, rows))
            matrix = _matrix(features)
            sound = _sound(features) if matrix is None else bool(np.abs(matrix).max() <= LARGEST_NUMBER)
            if not sound:
                return None
            ids = self._ids(shape.column(rows, self.layout.id), records)
            self._check_times(shape.column(rows, self.layout.timestamp))
            segments = self._segments(shape, rows)
        except Unreadable:
            return None
        table = FeatureTable(shape.names, features, matrix)
        return EventBatch(records, ids, _Objects(payloads, self.layout.privacy), table, segments, ())

    def _decode_each(self, records: Sequence[RawRecord], now: float) -> EventBatch:
        kept: list[RawRecord] = []
        ids: list[str] = []
        objects: list[dict[str, Any]] = []
        features: list[dict[str, Value]] = []
        segments: list[Mapping[str, str]] = []
        letters: list[DeadLetter] = []
        last: dict[str, Any] = {}
        privacy = self.layout.privacy
        for record in records:
            event = None
            try:
                given = parse(record.value, self._max_bytes)
                event = privacy.admitted(given) if privacy else given
                event_id = self._id(event, record)
                event_features = self.layout.event_features(event)
                if len(event_features) > self._max_features:
                    raise Unreadable(
                        "too_large", f"{len(event_features)} features; at most {self._max_features} are taken"
                    )
                self.layout.event_time(event)
                event_segments = self.layout.event_segments(event)
            except Unreadable as unreadable:
                letters.append(self._letter(record, event, unreadable, now))
                continue
            last = given
            kept.append(record)
            ids.append(event_id)
            objects.append(event)
            features.append(event_features)
            segments.append(event_segments)
        if objects:
            self._shape = self._shape_of(last, features[-1])
        return EventBatch(
            kept, ids, objects, _table(features), segments if self.layout.segments else None, letters
        )

    def _letter(
        self, record: RawRecord, event: Mapping[str, Any] | None, unreadable: Unreadable, now: float
    ) -> DeadLetter:
        """``event`` as admitted, if it came so far. With fields to hide, nothing else of the payload is
        kept: who can't read it can't find them in it."""
        payload, detail = record.value or b"", unreadable.detail
        if self.layout.privacy:
            if unreadable.reason == "duplicate_keys":
                detail = "a key stands twice in one object"  # it may itself be what is to be hidden
            try:
                payload = b"" if event is None else orjson.dumps(event)
            except orjson.JSONEncodeError:
                payload = b""
            if not payload:
                detail += "; the payload is withheld, for fields of this stream are redacted or hashed"
        source = Source(record.topic, record.partition, record.offset)
        # A payload that is too large would be so for the dead letters as well.
        return DeadLetter(unreadable.reason, detail, source, payload[: self._max_bytes], now)

    def _check_times(self, times: Sequence[Any]) -> None:
        path = self.layout.timestamp
        if path is not None and not set(map(type, times)) <= {float, int}:
            for time in times:
                self.layout.event_time({path: time})

    def _segments(self, shape: Shape, rows: Sequence[tuple[Any, ...]]) -> Sequence[Mapping[str, str]] | None:
        paths = self.layout.segments
        if not paths:
            return None
        columns = zip(*(shape.column(rows, path) for path in paths), strict=True)
        return [self.layout.event_segments(dict(zip(paths, values, strict=True))) for values in columns]

    def _ids(self, values: Sequence[Any], records: Sequence[RawRecord]) -> Sequence[str]:
        if set(map(type, values)) == {str} and "" not in values:
            return values
        path = self.layout.id
        return [self._id({path: value}, record) for value, record in zip(values, records, strict=True)]

    def _id(self, event: Mapping[str, Any], record: RawRecord) -> str:
        value = event.get(self.layout.id)
        if type(value) is str and value:
            return value
        event_id = self.layout.event_id(event)
        return event_id if event_id is not None else f"{record.topic}:{record.partition}:{record.offset}"

    def _shape_of(self, event: Mapping[str, Any], features: Mapping[str, Value]) -> Shape | None:
        """``None`` for events that are not flat, and for those with a text that needs checking."""
        names = tuple(sorted(features))
        if self.layout.text is not None or len(names) < 2 or not all(name in event for name in names):
            return None
        if self.layout.features is None and not self.layout.reserved().issuperset(event.keys() - features):
            return None
        return Shape.of(tuple(event), names)


class _Objects(Sequence[Mapping[str, Any]]):
    """Events as they were admitted; each is decoded when it is asked for."""

    def __init__(self, payloads: Sequence[bytes], privacy: Privacy) -> None:
        self._payloads = payloads
        self._privacy = privacy

    def __len__(self) -> int:
        return len(self._payloads)

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        if isinstance(index, slice):
            return _Objects(self._payloads[index], self._privacy)
        event: dict[str, Any] = orjson.loads(self._payloads[index])
        return self._privacy.admitted(event) if self._privacy else event


def _keys_stand_once(payloads: Sequence[bytes], fields: int) -> bool:
    """``poison.keys_are_unique`` over flat objects joined, which have so many fields in all: the sums can
    only be equal if each pair is."""
    joined = b"".join(payloads)
    text = np.frombuffer(joined, dtype=np.uint8)
    is_colon = text == ord(":")
    if np.count_nonzero(is_colon) == fields:
        return True  # each field has one behind its name, so none is left for another
    colons = np.flatnonzero(is_colon)
    before = text[colons - 1]
    if (before <= ord(" ")).any():
        return False
    closing = before == ord('"')
    if b"\\" in joined:
        if b"\\\\" in joined:
            return False
        closing &= text[colons - 2] != ord("\\")
    return int(np.count_nonzero(closing)) == fields


def _matrix(rows: Sequence[tuple[Value, ...]]) -> NDArray[np.float64] | None:
    """The rows as numbers, or ``None`` when some value is none."""
    pack: Any = Struct(f"{len(rows[0])}d").pack  # unlike numpy, it takes no text for a number
    try:
        numbers = bytearray().join(starmap(pack, rows))
    except error:
        return None
    return np.frombuffer(numbers).reshape(len(rows), -1)


def _sound(rows: Sequence[tuple[Value, ...]]) -> bool:
    """Whether all values are scalars in range and every row has one that is not null."""
    kinds = set(map(type, chain.from_iterable(rows)))
    if not kinds <= _SCALARS:
        return False
    if float in kinds:
        floats = [value for value in chain.from_iterable(rows) if type(value) is float]
        if max(map(abs, floats)) > LARGEST_NUMBER:
            return False
    return type(None) not in kinds or all(any(value is not None for value in row) for row in rows)


def _table(features: Sequence[Mapping[str, Value]]) -> FeatureTable:
    """Rows over the sorted union of the features' names."""
    names = tuple(sorted(set().union(*features)))
    rows = [tuple(map(one.get, names)) for one in features]
    return FeatureTable(names, rows, _matrix(rows) if rows else None)
