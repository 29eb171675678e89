"""Which record of the label log counts for each label id: the first one with its newest revision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import xxhash

from streamsel.learning.packed_ledger import PackedEntries
from streamsel.records import Label, LabelRecord

_OFFSET_BITS = 48
_OFFSET = (1 << _OFFSET_BITS) - 1
_REVISION = _OFFSET_BITS + 1
"""The place of an integer's first bit that is the revision's."""
_HELD_OUT = 1 << 64
"""The revision of a record that is held out: newer than any other, so that none of its id counts any more."""


class Entry(NamedTuple):
    """The record that counts for one label id."""

    revision: int
    offset: int
    is_label: bool
    """That may teach: it is no retraction, and not held out."""


class Ledger:
    """All label ids seen so far. It says nothing about any model, so folds at different offsets share one.

    An id costs about 130 bytes: a 128-bit hash as the key, and revision, offset and kind in one integer; of
    those that a snapshot holds, 32. Two ids falling together would need some 10^19 labels.
    """

    def __init__(self, packed: PackedEntries | None = None) -> None:
        """With what a snapshot holds, or empty."""
        self._packed = PackedEntries.none() if packed is None else packed
        self._closed: list[dict[int, int]] = []
        """Being packed, and no longer changed; a later one's entries replace an earlier one's."""
        self._open: dict[int, int] = {}

    def note(self, records: Iterable[tuple[int, LabelRecord]]) -> tuple[list[Entry], list[int]]:
        """Takes records into account, each with its offset, which may lie anywhere in the log and be noted
        again; all records of one id and revision must first be noted in log order. Returns the entries that
        they supersede, and for each record the offset of what then counts for its id."""
        keys, superseded = [], []
        # Mostly all there is.
        find = self._find if self._closed or len(self._packed) else self._open.get
        for offset, record in records:
            key = _key(record.label_id)
            keys.append(key)
            packed = _packed(offset, record)
            found = find(key)
            if found is None:
                self._open[key] = packed
            elif packed >> _REVISION > found >> _REVISION:
                self._open[key] = packed
                superseded.append(_entry(found))
        counting = cast(list[int], list(map(find, keys)))
        return superseded, [packed >> 1 & _OFFSET for packed in counting]

    def counting(self, label_id: str) -> int:
        """The offset of the record that counts for an id that was noted. Raises ``KeyError`` for one that was
        not."""
        found = self._find(_key(label_id))
        if found is None:
            raise KeyError(label_id)
        return found >> 1 & _OFFSET

    def close(self) -> Closed:
        """What there is by now, to be packed in another thread while this ledger goes on."""
        if self._open:
            self._closed = [*self._closed, self._open]
            self._open = {}
        return Closed(self._packed, self._closed)

    def replace(self, closed: Closed, packed: PackedEntries) -> None:
        """From here on ``packed`` stands for what was closed; unless others were faster."""
        if self._packed is closed.packed and self._closed[: len(closed.recent)] == closed.recent:
            self._packed = packed
            self._closed = self._closed[len(closed.recent) :]

    def _find(self, key: int) -> int | None:
        found = self._open.get(key)
        if found is not None:
            return found
        for entries in reversed(self._closed):
            found = entries.get(key)
            if found is not None:
                return found
        return self._packed.get(key) if len(self._packed) else None


class Closed(NamedTuple):
    """A ledger as it was at one moment."""

    packed: PackedEntries
    recent: Sequence[dict[int, int]]

    def pack(self) -> PackedEntries:
        """Takes seconds for millions; changes nothing."""
        return self.packed.updated(self.recent)


def _key(label_id: str) -> int:
    return xxhash.xxh3_128_intdigest(label_id.encode("utf-8", "surrogatepass"))


def _packed(offset: int, record: LabelRecord) -> int:
    if not isinstance(record, Label):
        return (record.revision << _OFFSET_BITS | offset) << 1
    if record.lane == "holdout":
        return (_HELD_OUT << _OFFSET_BITS | offset) << 1
    return (record.revision << _OFFSET_BITS | offset) << 1 | 1


def _entry(packed: int) -> Entry:
    return Entry(packed >> _REVISION, packed >> 1 & _OFFSET, bool(packed & 1))
