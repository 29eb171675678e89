"""A ledger's entries in four columns of numbers: 32 bytes an entry, written and read as they lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Self

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

ENTRY_BYTES = 32
_STRETCH = 50_000
"""Entries that are turned into columns at once: other threads have their turn in between."""
_WORD = (1 << 64) - 1


class PackedEntries:
    """128-bit keys to signed 128-bit values, by ascending keys; never changed."""

    def __init__(self, keys_high: Words, keys_low: Words, values_high: Words, values_low: Words) -> None:
        """The upper and lower halves of each, (entries,)."""
        self._keys_high, self._keys_low = keys_high, keys_low
        self._values_high, self._values_low = values_high, values_low

    @classmethod
    def none(cls) -> Self:
        """Of no entry."""
        return cls(*(np.zeros(0, np.uint64) for _ in range(4)))

    @classmethod
    def over(cls, content: memoryview) -> Self:
        """Those whose ``columns`` are in there, without a copy. Raises ``ValueError`` for a length that can't
        be."""
        if len(content) % ENTRY_BYTES:
            raise ValueError(f"{len(content)} bytes are no whole number of entries")
        columns = np.frombuffer(content, np.dtype("<u8")).reshape(4, -1)
        return cls(*(column.astype(np.uint64, copy=False) for column in columns))

    @property
    def columns(self) -> Sequence[memoryview]:
        """Little-endian, one after the other."""
        whole = (self._keys_high, self._keys_low, self._values_high, self._values_low)
        return [np.ascontiguousarray(column, np.dtype("<u8")).data.cast("B") for column in whole]

    def __len__(self) -> int:
        return len(self._keys_high)

    def get(self, key: int) -> int | None:
        """The value of a key, if it has one."""
        high, low = key >> 64, key & _WORD
        place = int(self._keys_high.searchsorted(np.uint64(high)))
        while place < len(self) and self._keys_high.item(place) == high:
            if self._keys_low.item(place) == low:
                value: int = self._values_high.item(place) << 64 | self._values_low.item(place)
                return value - (1 << 128) if value >> 127 else value
            place += 1
        return None

    def updated(self, recent: Sequence[Mapping[int, int]]) -> PackedEntries:
        """With these entries more, of which a later one replaces an earlier one of its key."""
        added = [stretch for entries in recent for stretch in _stretches(entries)]
        if not added:
            return self
        whole = (self._keys_high, self._keys_low, self._values_high, self._values_low)
        high, low, values_high, values_low = (
            np.concatenate([column, *(stretch[index] for stretch in added)])
            for index, column in enumerate(whole)
        )
        order = np.lexsort((low, high))  # stable, so the last of a key is the latest
        high, low = high[order], low[order]
        last = np.ones(len(order), np.bool_)
        last[:-1] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
        order = order[last]
        return PackedEntries(high[last], low[last], values_high[order], values_low[order])


def _stretches(entries: Mapping[int, int]) -> Iterator[Words]:
    """(4, entries) each."""
    left = iter(entries.items())
    while stretch := list(islice(left, _STRETCH)):
        content = b"".join(
            key.to_bytes(16, "little") + value.to_bytes(16, "little", signed=True) for key, value in stretch
        )
        low, high, values_low, values_high = np.frombuffer(content, np.dtype("<u8")).reshape(-1, 4).T
        yield np.array((high, low, values_high, values_low), np.uint64)
