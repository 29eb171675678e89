"""Which record of the label log counts for each label id: the first one with its newest revision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import xxhash

from streamsel.learning.packed_ledger import PackedEntries
from streamsel.records import Label, LabelRecord

_OFFSET_BITS = 48
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

    def note(self, offset: int, record: LabelRecord) -> Entry | None:
        """Takes a record into account, which may lie anywhere in the log and be noted again; all records of
        one id and revision must first be noted in log order. Returns the entry it supersedes, if any."""
        key = _key(record.label_id)
        found = self._find(key)
        kind, revision = isinstance(record, Label), record.revision
        if isinstance(record, Label) and record.lane == "holdout":
            kind, revision = False, _HELD_OUT
        if found is not None and revision <= _entry(found).revision:
            return None
        self._open[key] = ((revision << _OFFSET_BITS) | offset) << 1 | kind
        return None if found is None else _entry(found)

    def entry(self, label_id: str) -> Entry:
        """What counts for an id that was noted. Raises ``KeyError`` for one that was not."""
        found = self._find(_key(label_id))
        if found is None:
            raise KeyError(label_id)
        return _entry(found)

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


def _entry(packed: int) -> Entry:
    position = packed >> 1
    return Entry(position >> _OFFSET_BITS, position & ((1 << _OFFSET_BITS) - 1), bool(packed & 1))
