"""The fields of a micro-batch by name, as rules, quotas and costs look at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streamsel.records import FeatureTable, Value

PREDICTED_CLASS = "predicted_class"
"""The most probable label, as text."""
CONFIDENCE = "confidence"
"""The largest probability."""
PREDICTED = frozenset({PREDICTED_CLASS, CONFIDENCE})
"""Names with a meaning of their own; a feature of that name is not seen. Missing where the model has no
opinion."""


class Fields:
    """What is predicted, then features, then segments, under their names; a column is made when asked for.

    ``segments`` has one mapping an event, ``probabilities`` is (events, labels) or has fewer than two
    columns while nothing is known.
    """

    def __init__(
        self,
        table: FeatureTable,
        segments: Sequence[Mapping[str, str]] | None,
        labels: tuple[str, ...],
        probabilities: NDArray[np.float64],
    ) -> None:
        self._table = table
        self._places = {name: place for place, name in enumerate(table.names)}
        self._segments = segments
        self._labels = labels
        self._probabilities = probabilities
        self._columns: dict[str, Sequence[Value]] = {}

    def __len__(self) -> int:
        return len(self._probabilities)

    def numbers(self, name: str) -> NDArray[np.float64] | None:
        """A column in which everything is a number, NaN where it is missing; ``None`` for any other."""
        if name == CONFIDENCE:
            return self._confidence()
        if name == PREDICTED_CLASS or self._table.matrix is None or name not in self._places:
            return None
        column: NDArray[np.float64] = self._table.matrix[:, self._places[name]]
        return column

    def column(self, name: str) -> Sequence[Value]:
        """One value an event; ``None`` or NaN where it is missing."""
        if name not in self._columns:
            self._columns[name] = self._column(name)
        return self._columns[name]

    def texts(self, name: str) -> list[str | None]:
        """A column as the names of groups: the predicted class, or a segment."""
        if name == PREDICTED_CLASS:
            return self._predicted()
        if self._segments is None:
            return [None] * len(self)
        return [segments.get(name) for segments in self._segments]

    def _column(self, name: str) -> Sequence[Value]:
        if name == CONFIDENCE:
            return list(self._confidence().tolist())
        place = self._places.get(name)
        if name == PREDICTED_CLASS or place is None:
            return self.texts(name)
        return [row[place] for row in self._table.rows]

    def _confidence(self) -> NDArray[np.float64]:
        if self._probabilities.shape[1] < 2:
            return np.full(len(self), np.nan)
        largest: NDArray[np.float64] = self._probabilities.max(axis=1)
        return largest

    def _predicted(self) -> list[str | None]:
        if self._probabilities.shape[1] < 2:
            return [None] * len(self)
        unknown = np.isnan(self._confidence())
        classes = np.where(unknown, len(self._labels), self._probabilities.argmax(axis=1))
        names = (*self._labels, None)
        return [names[index] for index in classes.tolist()]
