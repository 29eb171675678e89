"""Which record of the label log counts for each label id: the first one with its newest revision."""

from __future__ import annotations

from typing import NamedTuple

import xxhash

from streamsel.records import Label, LabelRecord

_OFFSET_BITS = 48


class Entry(NamedTuple):
    """The record that counts for one label id."""

    revision: int
    offset: int
    is_label: bool
    """Otherwise it is a retraction."""


class Ledger:
    """All label ids seen so far. It says nothing about any model, so folds at different offsets share one.

    An id costs about 130 bytes: a 128-bit hash as the key, and revision, offset and kind in one integer.
    Two ids falling together would need some 10^19 labels.
    """

    def __init__(self) -> None:
        self._entries: dict[int, int] = {}

    def note(self, offset: int, record: LabelRecord) -> Entry | None:
        """Takes a record into account, which may lie anywhere in the log and be noted again; all records of
        one id and revision must first be noted in log order. Returns the entry it supersedes, if any."""
        key = _key(record.label_id)
        packed = self._entries.get(key)
        if packed is not None and record.revision <= _entry(packed).revision:
            return None
        kind = isinstance(record, Label)
        self._entries[key] = ((record.revision << _OFFSET_BITS) | offset) << 1 | kind
        return None if packed is None else _entry(packed)

    def entry(self, label_id: str) -> Entry:
        """What counts for an id that was noted."""
        return _entry(self._entries[_key(label_id)])


def _key(label_id: str) -> int:
    return xxhash.xxh3_128_intdigest(label_id.encode("utf-8", "surrogatepass"))


def _entry(packed: int) -> Entry:
    position = packed >> 1
    return Entry(position >> _OFFSET_BITS, position & ((1 << _OFFSET_BITS) - 1), bool(packed & 1))
