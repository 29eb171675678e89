"""How good a model's predictions were, each made before its event's label could be known (prequential).

A. P. Dawid, Statistical Theory: The Prequential Approach, Journal of the Royal Statistical Society A, 1984.
"""

from __future__ import annotations

import numpy as np


class Scores:
    """Predictions of one of two labels, counted against the truth."""

    def __init__(self) -> None:
        self._truths: list[bool] = []
        self._probabilities: list[float] = []
        self._counts = np.zeros((2, 2), dtype=np.int64)

    def add(self, truth: bool, probability: float) -> None:
        """One event: whether it is of the second label, and how probable that was said to be. Said to be
        even, the first label was predicted."""
        self._truths.append(truth)
        self._probabilities.append(probability)
        self._counts[int(truth), int(probability > 0.5)] += 1

    @property
    def events(self) -> int:
        return len(self._truths)

    @property
    def accuracy(self) -> float:
        """Share of events predicted right; NaN without any."""
        return float(np.trace(self._counts)) / self.events if self.events else float("nan")

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the labels' recalls; NaN until both were seen."""
        totals = self._counts.sum(axis=1)
        return float((np.diag(self._counts) / totals).mean()) if totals.all() else float("nan")

    @property
    def average_precision(self) -> float:
        """Area under precision over recall of the second label, as steps; events of equal probability come
        together (W. Su, Y. Yuan and M. Zhu, ICTIR 2015). NaN without any such event."""
        truths = np.asarray(self._truths)
        probabilities = np.asarray(self._probabilities)
        if not truths.any():
            return float("nan")
        order = np.argsort(-probabilities, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(probabilities[order])), len(order) - 1)
        hits = np.cumsum(truths[order])[ends]
        return float((np.diff(hits, prepend=0) / hits[-1] * hits / (ends + 1)).sum())
