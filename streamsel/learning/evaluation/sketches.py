"""What the features of a stream are like, small enough to be kept for ever.

A feature with many different numbers is told by quantiles between 5 % and 95 %, rounded to a thousandth of
their spread; one with few values, or with texts, by how many events had each value, by a hash of it, of those
that several events had. So no event's own values stand in a sketch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xxhash

from streamsel.records import FeatureTable, Value

MOST_SAMPLED, LEAST_SAMPLED = 500, 50
"""Events that a sketch is made from."""
A_BATCH = 50
"""Of a micro-batch at most so many."""
MOST_FEATURES = 200
QUANTILES = np.arange(1, 20) / 20
_FEW_VALUES = 20
"""A feature with no more different values is told by their counts."""
_LEAST_COUNT = 5
"""A value that fewer events had is not told of by itself."""
OTHERS = "*"
"""All values not told of by themselves, missing ones among them."""


class Sketch(NamedTuple):
    """See ``records.Summary``."""

    sampled: int
    numbers: Mapping[str, tuple[float, ...]]
    categories: Mapping[str, Mapping[str, int]]


NOTHING = Sketch(0, {}, {})


class FeatureSample:
    """Some of the events of a span of time."""

    def __init__(self) -> None:
        self._batches: list[tuple[tuple[str, ...], Sequence[tuple[Value, ...]]]] = []
        self._sampled = 0

    def add(self, table: FeatureTable) -> None:
        """Evenly spread events of a micro-batch, while there is room."""
        room = min(A_BATCH, MOST_SAMPLED - self._sampled)
        if room > 0 and len(table.rows):
            rows = table.rows[:: -(-len(table.rows) // room)]
            self._batches.append((table.names, rows))
            self._sampled += len(rows)

    def take(self) -> Sketch:
        """A sketch of them, and begins anew; nothing, and keeps them, while they are too few."""
        if self._sampled < LEAST_SAMPLED:
            return NOTHING
        values: dict[str, list[Value]] = {}
        for names, rows in self._batches:
            for name, column in zip(names, zip(*rows, strict=True), strict=True):
                values.setdefault(name, []).extend(column)
        numbers: dict[str, tuple[float, ...]] = {}
        categories: dict[str, Mapping[str, int]] = {}
        for name in sorted(values)[:MOST_FEATURES]:
            quantiles = _quantiles(values[name])
            if quantiles is not None:
                numbers[name] = quantiles
            else:
                categories[name] = _counts(values[name], self._sampled)
        sketch = Sketch(self._sampled, numbers, categories)
        self._batches, self._sampled = [], 0
        return sketch


def _quantiles(values: Sequence[Value]) -> tuple[float, ...] | None:
    """``None`` for texts, and for few different numbers."""
    known = [value for value in values if value is not None]
    if not all(isinstance(value, int | float) for value in known) or len(set(known)) <= _FEW_VALUES:
        return None
    found = np.quantile(np.array(known, dtype=np.float64), QUANTILES)
    step = max(float(found[-1] - found[0]), 1e-300) / 1_000
    digits = int(np.clip(-np.floor(np.log10(step)), -300, 300))
    return tuple(round(float(one), digits) for one in found)


def _counts(values: Sequence[Value], sampled: int) -> Mapping[str, int]:
    counts = Counter(value for value in values if value is not None)
    told = {
        xxhash.xxh3_64_hexdigest(str(value).encode("utf-8", "surrogatepass")): count
        for value, count in counts.most_common(_FEW_VALUES)
        if count >= _LEAST_COUNT
    }
    return {**told, OTHERS: sampled - sum(told.values())}
