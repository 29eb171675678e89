"""A whole micro-batch through ``ScaledLogistic`` in one matrix product, from River's own weights.

Equal to ``predict_proba_one`` event by event up to the order of additions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.features import LARGEST_NUMBER, category, word_vector, words
from streamsel.learning.logistic import CONSTANT, LARGEST_SCORE, ScaledLogistic
from streamsel.records import FeatureTable, Value

Floats = NDArray[np.float64]

_LARGEST_LOGIT = 30.0
"""Where River takes a probability for 0 or 1."""
_NUMBERS = frozenset({float, int, bool})


class LinearScorer:
    """Scores feature tables; what it takes from the model is kept until the model learns again."""

    def __init__(self, model: ScaledLogistic) -> None:
        self._model = model
        self._prepared: tuple[int, tuple[str, ...]] | None = None
        self.errors = 0
        self.last_error = ""

    def __getstate__(self) -> dict[str, Any]:
        """Without what is kept between calls: a snapshot is taken while others predict."""
        return {"_model": self._model, "_prepared": None, "errors": 0, "last_error": ""}

    def probabilities(self, table: FeatureTable) -> Floats:
        """(rows, labels), or (rows, 0) until two labels have been seen. Values must lie within ±1e100."""
        if len(self._model.seen) < 2:
            return np.zeros((len(table.rows), 0))
        self._prepare(table.names)
        logits = self._of_matrix(table.matrix) if table.matrix is not None else self._of_columns(table)
        shares = _sigmoid(logits + self._constants)
        if shares.shape[1] == 1:
            return np.hstack((1.0 - shares, shares))
        totals = shares.sum(axis=1, keepdims=True)
        return np.where(totals > 0.0, shares / np.where(totals > 0.0, totals, 1.0), 1.0 / shares.shape[1])

    def contributions(self, table: FeatureTable) -> list[dict[str, float]]:
        """Of each event, as the model tells them."""
        if table.matrix is None or len(self._model.seen) < 2:
            return [self._model.contributions(table.row(index)) for index in range(len(table.rows))]
        self._prepare(table.names)
        scores = self._scores(table.matrix)
        shares = _sigmoid(scores @ self._matrix + self._constants)
        if shares.shape[1] == 1:
            added = scores * self._matrix[:, 0] * np.where(shares > 0.5, 1.0, -1.0)
        else:
            added = scores * self._matrix.T[shares.argmax(axis=1)]
        return [
            {name: value for name, value in zip(table.names, row, strict=True) if value}
            for row in added.tolist()
        ]

    def _prepare(self, names: tuple[str, ...]) -> None:
        if self._prepared == (self._model.learned, names):
            return
        moments = [self._model.moments.of(name) for name in names]
        # The score is not folded into the weights: origin and value may be huge, and their difference small.
        self._origins = np.array([moment.origin for moment in moments])
        self._means = np.array([moment.mean for moment in moments])
        deviations = np.array([moment.deviation for moment in moments])
        varies = deviations > 0.0
        self._scales = np.where(varies, 1.0 / np.where(varies, deviations, 1.0), 0.0)
        regressions = self._model.regressions
        # The public property copies the whole dictionary.
        self._weights: list[Any] = [regression._weights for regression in regressions]  # noqa: SLF001
        self._matrix = np.array([weights.to_numpy(names) for weights in self._weights]).T
        self._constants = np.array(
            [
                weights.get(CONSTANT, 0.0) + regression.intercept
                for weights, regression in zip(self._weights, regressions, strict=True)
            ]
        )
        self._prepared = (self._model.learned, names)

    def _of_matrix(self, matrix: Floats) -> Floats:
        logits: Floats = self._scores(matrix) @ self._matrix
        return logits

    def _scores(self, matrix: Floats) -> Floats:
        scores: Floats = np.clip(matrix, -LARGEST_NUMBER, LARGEST_NUMBER)
        scores -= self._origins
        scores -= self._means
        scores *= self._scales
        np.clip(scores, -LARGEST_SCORE, LARGEST_SCORE, out=scores)
        np.nan_to_num(scores, copy=False)
        return scores

    def _of_columns(self, table: FeatureTable) -> Floats:
        """Numbers, categories and words column by column; what is missing adds nothing."""
        numbers = np.full((len(table.rows), len(table.names)), np.nan)
        other = np.zeros((len(table.rows), len(self._weights)))
        for index, (name, column) in enumerate(zip(table.names, zip(*table.rows, strict=True), strict=True)):
            kinds = set(map(type, column))
            if kinds <= _NUMBERS:
                numbers[:, index] = column
                continue
            if kinds & _NUMBERS:
                present = [row for row, value in enumerate(column) if type(value) in _NUMBERS]
                numbers[present, index] = [column[row] for row in present]
            if str in kinds:
                other += self._of_texts(column) if name == self._model.text else self._of_names(name, column)
        return self._of_matrix(numbers) + other

    def _of_names(self, name: str, column: Sequence[Value]) -> Floats:
        """The weights of each row's category."""
        by_value: dict[Value, list[float]] = {
            value: [weights.get(category(name, value), 0.0) for weights in self._weights]
            for value in set(column)
            if isinstance(value, str)
        }
        nothing = [0.0] * len(self._weights)
        return np.array([by_value.get(value, nothing) for value in column])

    def _of_texts(self, column: Sequence[Value]) -> Floats:
        """The sum of each row's words' weights."""
        vectors = [word_vector(words(value)) if isinstance(value, str) else {} for value in column]
        return np.array([[weights.dot(vector) for weights in self._weights] for vector in vectors])


def _sigmoid(logits: Floats) -> Floats:
    bounded = 1.0 / (1.0 + np.exp(-np.clip(logits, -_LARGEST_LOGIT, _LARGEST_LOGIT)))
    shares: Floats = np.where(logits > _LARGEST_LOGIT, 1.0, np.where(logits < -_LARGEST_LOGIT, 0.0, bounded))
    return shares
