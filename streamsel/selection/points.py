"""Events as points of a space where Euclidean distance means something.

Numbers are standardised by the mean and variance of all events so far; categories and words are hashed.
A missing value is 0, the mean. The space starts with the columns of the first events and grows with new ones,
up to 96 dimensions: an older point has zeros in the dimensions that came after it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import xxhash
from numpy.typing import NDArray

from streamsel.records import FeatureTable, Value
from streamsel.selection.candidates import Floats
from streamsel.selection.moments import Columns, Moments, as_slice

OWN = 64
"""So many numbers have a dimension of their own; those that appear later share these."""
HASHED = 32
"""Dimensions that categories and words share."""
FURTHEST = 5.0
"""Standard deviations a number may lie from the mean."""
CATEGORY = 0.5**0.5
"""What a category adds to its dimension: two events that differ in one category are 1 apart."""

MANY = 2048
"""Of so many events all count for the scales; of later ones those of every so many calls, which is plenty."""
PART = 8

_MOST_NUMBERS = 4096
_MOST_CODES = 10_000
_LONGEST_CATEGORY = 256
_LONGEST_TEXT = 20_000
_WORD = re.compile(r"\w+")


Strings: TypeAlias = dict[str, Sequence[str | None]]
"""By feature, its strings, one an event."""


class _Codes(dict[str | None, int]):
    """By value of one feature: its hashed dimension from 1 on, negative where it is subtracted; 0 for none.
    (K. Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009.)"""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __missing__(self, value: str | None) -> int:
        if value is None:
            return 0
        code = _signed(f"{self.name}={value[:_LONGEST_CATEGORY]}", HASHED)
        if len(value) <= _LONGEST_CATEGORY:
            self[value] = code
        return code


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the numbers of a table go. Arrays have one entry a kept column."""

    names: tuple[str, ...]
    kept: Columns
    statistics: Columns
    targets: NDArray[np.intp]
    signs: Floats


class Space:
    """Maps events to points, and learns the scale of each number on the way.

    ``text`` names the feature that holds free text. Memory is bounded: the statistics of the first 4,096
    number names are kept, and later names left out.
    """

    def __init__(self, text: str | None = None) -> None:
        self._text = text
        self._placed = 0
        """Events"""
        self._calls = 0
        self._dimensions = 0
        self._numbers: dict[str, int] = {}
        self._moments = Moments(OWN)
        self._own: list[int] = []
        self._sharing = np.zeros(OWN)
        self._hashed: int | None = None
        self._codes: dict[str, _Codes] = {}
        self._plan = self._planned(())

    @property
    def dimensions(self) -> int:
        """Of the points so far."""
        return self._dimensions

    def place(self, table: FeatureTable) -> Floats:
        """The events of ``table`` as points (rows, dimensions), nothing in them NaN, by the scales known so
        far, up to ``MANY`` events with these counted in."""
        strings: Strings = {}
        if table.matrix is not None:
            names, values = table.names, table.matrix
        else:
            names, values, strings = _columns(table)
        if names != self._plan.names:
            self._plan = self._planned(names)
        if strings and self._hashed is None:
            self._hashed = self._dimensions
            self._dimensions += HASHED
        points = self._standardised(values)
        if strings and self._hashed is not None:
            self._add_strings(points[:, self._hashed : self._hashed + HASHED], strings)
        return points

    def _planned(self, names: tuple[str, ...]) -> _Plan:
        kept, statistics, targets, signs = [], [], [], []
        for column, name in enumerate(names):
            known = self._numbers.get(name)
            if known is None and len(self._numbers) == _MOST_NUMBERS:
                continue
            index = len(self._numbers) if known is None else known
            if index < OWN:
                share, sign = index, 1.0
            else:
                code = _signed(name, OWN)
                share, sign = abs(code) - 1, float(np.sign(code))
            if known is None:
                self._numbers[name] = index
                self._sharing[share] += 1.0
                if index < OWN:
                    self._own.append(self._dimensions)
                    self._dimensions += 1
            kept.append(column)
            statistics.append(index)
            targets.append(self._own[share])
            signs.append(sign)
        self._moments.grow(len(self._numbers))
        # Columns that share a dimension side by side, as ``reduceat`` takes them.
        order = np.argsort(targets, kind="stable")
        indices = np.array([kept, statistics, targets], dtype=np.intp)[:, order]
        return _Plan(names, as_slice(indices[0]), as_slice(indices[1]), indices[2], np.array(signs)[order])

    def _standardised(self, values: Floats) -> Floats:
        """The numbers in their dimensions, all others 0."""
        plan = self._plan
        values = values[:, plan.kept]
        if self._placed < MANY or self._calls % PART == 0:
            self._moments.learn(values, plan.statistics)
        self._placed += len(values)
        self._calls += 1
        scaled = self._moments.standardised(values, plan.statistics)
        if len(self._numbers) > OWN and len(plan.targets):
            scaled *= plan.signs
            first = np.flatnonzero(np.diff(plan.targets, prepend=-1))
            scaled = np.add.reduceat(scaled, first, axis=1)
            targets = plan.targets[first]
            scaled /= np.sqrt(self._sharing[np.searchsorted(self._own, targets)])
        else:
            targets = plan.targets
        np.minimum(np.maximum(scaled, -FURTHEST, out=scaled), FURTHEST, out=scaled)
        if len(targets) == self._dimensions:
            return scaled
        points = np.zeros((len(values), self._dimensions))
        points[:, targets] = scaled
        return points

    def _add_strings(self, block: Floats, strings: Strings) -> None:
        rows = np.arange(len(block))
        for name, column in strings.items():
            codes = self._codes.setdefault(name, _Codes(name))
            if name == self._text:
                block += _worded(column, codes)
                continue
            found = np.fromiter(map(codes.__getitem__, column), np.intp, len(column))
            # Each row once, so that no addition is lost.
            block[rows, np.abs(found) - 1] += CATEGORY * np.sign(found)
        if sum(map(len, self._codes.values())) > _MOST_CODES:
            self._codes.clear()


def _signed(name: str, dimensions: int) -> int:
    """A dimension from 1 on, with a sign, both by the name's XXH3-64."""
    digest = xxhash.xxh3_64_intdigest(name.encode("utf-8", "surrogatepass"))
    dimension = (digest >> 1) % dimensions + 1
    return dimension if digest & 1 else -dimension


def _columns(table: FeatureTable) -> tuple[tuple[str, ...], Floats, Strings]:
    """The names that hold numbers, their values (rows, names) with NaN for none, and the strings."""
    names: list[str] = []
    numbers: list[Sequence[Value]] = []
    strings: Strings = {}
    for name, column in zip(table.names, zip(*table.rows, strict=True), strict=False):
        kinds = set(map(type, column)) - {type(None)}
        if str in kinds:
            strings[name] = [value if isinstance(value, str) else None for value in column]
            kinds.discard(str)
            column = tuple(None if isinstance(value, str) else value for value in column)
        if kinds:
            names.append(name)
            numbers.append(column)
    # In the order of a decoded matrix: sums in another order would differ in the last bits.
    values = np.array(numbers, dtype=np.float64).reshape(len(numbers), len(table.rows))
    return tuple(names), np.ascontiguousarray(values.T), strings


def _worded(texts: Sequence[str | None], codes: _Codes) -> Floats:
    """(texts, HASHED): each text's words, counted, scaled to length 1."""
    counts = np.zeros((len(texts), HASHED))
    for row, text in enumerate(texts):
        found = [codes[word] for word in _WORD.findall((text or "")[:_LONGEST_TEXT].lower())]
        for code in found:
            counts[row, abs(code) - 1] += 1.0 if code > 0 else -1.0
    lengths = np.linalg.norm(counts, axis=1, keepdims=True)
    return counts / np.where(lengths > 0.0, lengths, 1.0)
