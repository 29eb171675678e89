"""What a query costs, as far as it can be told before it is answered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.fields import Fields

Floats = NDArray[np.float64]

REVIEWER = "reviewer"
"""The oracle that is asked unless another is named."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Prices of oracles, in money, and how many times the ordinary price labels and segments cost.

    All numbers are positive. ``label`` weighs each label by its predicted probability, and all labels alike
    where nothing is known.
    """

    default: float = 1.0
    """Money for an ordinary query."""
    oracle: Mapping[str, float] = field(default_factory=dict)
    """Money for an ordinary query to this oracle; ``default`` for the others."""
    label: Mapping[str, float] = field(default_factory=dict)
    """By label, a factor; 1 for the others."""
    segment: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By segment and its value, a factor; 1 for the others."""

    def ordinary(self, oracle: str = REVIEWER) -> float:
        """Money for an ordinary query."""
        return self.oracle.get(oracle, self.default)

    @property
    def even(self) -> bool:
        """Whether every query costs the same."""
        return not self.label and not self.segment

    @property
    def least(self) -> float:
        """In ordinary queries, the least that any query can cost, or 1."""
        least = min((1.0, *self.label.values()))
        return least * math.prod(min((1.0, *by_value.values())) for by_value in self.segment.values())

    def of(self, fields: Fields, labels: tuple[str, ...], probabilities: Floats) -> Floats:
        """(events,), in ordinary queries: what asking about each event is expected to cost."""
        costs = np.ones(len(fields))
        if self.label:
            factors = np.array([self.label.get(label, 1.0) for label in labels])
            if probabilities.shape[1] == len(labels):
                expected = probabilities @ factors
                costs *= np.where(np.isnan(expected), factors.mean(), expected)
            else:
                costs *= factors.mean()
        for name, by_value in self.segment.items():
            costs *= [by_value.get(value, 1.0) if value is not None else 1.0 for value in fields.texts(name)]
        return costs

    def per_cost(self, utilities: Floats, costs: Floats) -> Floats:
        """Utility per cost in [0, 1], of shape (events,), for ``costs`` as told by ``of``.

        Relative to the least that any query can cost: a fixed reference, unlike the micro-batch's own mean,
        keeps utilities comparable from one micro-batch to the next.
        """
        return np.minimum(utilities * (self.least / costs), 1.0)
