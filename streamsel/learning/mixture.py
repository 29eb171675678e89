"""What classifiers that mix several members have in common: all ways to predict, from members' opinions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from river import base

from streamsel.learning.hedge import Hedge
from streamsel.records import FeatureTable, Value

Floats = NDArray[np.float64]


class Mixture(base.Classifier, ABC):
    """A River classifier whose members score a whole micro-batch at once. A single event is a micro-batch of
    one row, so both ways give the same.

    Who extends it learns in ``learn_one``: the weights (``hedge``) by what ``members`` say before they learn,
    then the members, and adds the label to ``seen``.
    """

    def __init__(self, labels: tuple[str, ...], members: int) -> None:
        self.labels = labels
        self.seen: set[str] = set()
        """Labels learned so far."""
        self.hedge = Hedge(members, len(labels))

    @property
    def _multiclass(self) -> bool:
        return True

    @abstractmethod
    def members(self, table: FeatureTable) -> Floats:
        """(members, rows, labels) in the order of ``labels``; a row of NaN where a member has no opinion."""

    def quick_members(self, table: FeatureTable) -> Floats:
        """As ``members``, but a slow one has no opinion on any event."""
        return self.members(table)

    @property
    def weights(self) -> Floats:
        """(members,), summing to 1."""
        return self.hedge.weights

    def probabilities(self, table: FeatureTable) -> Floats:
        """(rows, labels), or (rows, 0) until two labels have been seen. A row of NaN is an event on which no
        member has an opinion."""
        if len(self.seen) < 2:
            return np.zeros((len(table.rows), 0))
        return self.hedge.mix(self.members(table))

    def predict_proba_one(self, x: Mapping[str, Value]) -> dict[str, float]:
        """By label; empty before the first label, and certain of the only label seen so far."""
        return self.predict_proba_many([x])[0]

    def predict_proba_many(self, events: Iterable[Mapping[str, Value]]) -> list[dict[str, float]]:
        """``predict_proba_one`` for each, at a small part of the cost."""
        table = FeatureTable.of(list(events))
        if len(self.seen) < 2:
            return [dict.fromkeys(self.seen, 1.0) for _ in table.rows]
        shares = self.probabilities(table).tolist()
        return [dict(zip(self.labels, row, strict=True)) for row in shares]
