"""Events as rows of numbers, with columns that only ever grow by labelled events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.evidence import Evidence
from streamsel.learning.features import LARGEST_NUMBER, Parts, category, parts
from streamsel.records import FeatureTable, Value

Floats = NDArray[np.float64]

MOST_COLUMNS = 300
"""Numbers beyond the first so many are left to the logistic member."""
_NUMBERS = frozenset({float, int, bool})


class RowEncoder:
    """Numbers as they are, categories and words as their evidence for each label (see ``Evidence``).

    A column belongs to a name for good, in the order in which labelled events first had it, so that rows of
    different ages fit together: an older row is only shorter. What is missing is NaN.
    """

    def __init__(self, labels: tuple[str, ...], text: str | None) -> None:
        self.text = text
        self.columns: dict[str, int] = {}
        self._evidence = Evidence(labels, text)

    def row(self, known: Parts) -> Floats:
        """(columns,) of one event, as ``learn`` would return it."""
        numbers = self._numbers(known)
        return _row(numbers, self._columns_with(numbers))

    def learn(self, known: Parts, label: int) -> Floats:
        """The row of a labelled event, as it was before its label was known; from here on its columns and
        its label count."""
        numbers = self._numbers(known)
        self.columns = self._columns_with(numbers)
        self._evidence.learn(known, label)
        return _row(numbers, self.columns)

    def matrix(self, table: FeatureTable) -> Floats:
        """(rows, columns) of a micro-batch."""
        matrix = np.full((len(table.rows), len(self.columns)), np.nan)
        if table.matrix is not None:
            found = [
                (place, self.columns[name]) for place, name in enumerate(table.names) if name in self.columns
            ]
            if found:
                places, columns = map(list, zip(*found, strict=True))
                matrix[:, columns] = np.clip(table.matrix[:, places], -LARGEST_NUMBER, LARGEST_NUMBER)
            return matrix
        for name, column in zip(table.names, zip(*table.rows, strict=True), strict=True):
            self._fill(matrix, name, column)
        return np.clip(matrix, -LARGEST_NUMBER, LARGEST_NUMBER, out=matrix)

    def _fill(self, matrix: Floats, name: str, column: Sequence[Value]) -> None:
        place = self.columns.get(name)
        kinds = set(map(type, column))
        if place is not None and kinds & _NUMBERS:
            if kinds <= _NUMBERS:
                matrix[:, place] = column
            else:
                rows = [row for row, value in enumerate(column) if type(value) in _NUMBERS]
                matrix[rows, place] = [column[row] for row in rows]
        if str in kinds:
            by_value = {value: self._speaks(name, value) for value in set(column) if isinstance(value, str)}
            for row, value in enumerate(column):
                if isinstance(value, str):
                    for spoken, evidence in by_value[value]:
                        matrix[row, spoken] = evidence

    def _speaks(self, name: str, value: str) -> list[tuple[int, float]]:
        """The columns that a string fills, and with what."""
        known = (
            parts({name: value}, self.text)
            if name == self.text
            else Parts({}, {name: category(name, value)}, [])
        )
        evidence = self._evidence.of(known)
        return [(self.columns[one], weight) for one, weight in evidence.items() if one in self.columns]

    def _numbers(self, known: Parts) -> dict[str, float]:
        return known.numbers | self._evidence.of(known)

    def _columns_with(self, numbers: Mapping[str, float]) -> dict[str, int]:
        new = [name for name in numbers if name not in self.columns][: MOST_COLUMNS - len(self.columns)]
        return self.columns | dict(zip(new, count(len(self.columns)), strict=False)) if new else self.columns


def _row(numbers: Mapping[str, float], columns: Mapping[str, int]) -> Floats:
    row = np.full(len(columns), np.nan)
    for name, value in numbers.items():
        place = columns.get(name)
        if place is not None:
            row[place] = value
    return row


def stacked(rows: Sequence[Floats]) -> Floats:
    """(rows, columns of the longest) of rows of any age."""
    matrix = np.full((len(rows), max(map(len, rows))), np.nan)
    for index, row in enumerate(rows):
        matrix[index, : len(row)] = row
    return matrix
