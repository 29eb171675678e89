"""Predictions for a whole micro-batch, whatever the model."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.linear import LinearScorer
from streamsel.learning.logistic import ScaledLogistic
from streamsel.learning.mixture import Mixture
from streamsel.learning.presets import Classifier
from streamsel.records import FeatureTable


class Opinions(NamedTuple):
    """What a model says of a micro-batch."""

    probabilities: NDArray[np.float64]
    """(rows, labels) in the spec's order, or (rows, 0) while the model tells no two labels apart. A row of
    NaN is an event it has no opinion on, or failed on."""
    members: NDArray[np.float64] | None = None
    """(members, rows, labels), of a committee; NaN as above."""
    weights: NDArray[np.float64] | None = None
    """(members,), not negative, summing to 1."""


class Scorer(Protocol):
    """Follows its model: what the model learns shows in the next call."""

    errors: int
    """Events the model failed on so far."""
    last_error: str

    def opinions(self, table: FeatureTable) -> Opinions: ...


class EventScorer:
    """Event by event, by ``predict_proba_one``."""

    def __init__(self, model: Classifier, labels: tuple[str, ...]) -> None:
        self._model = model
        self._labels = labels
        self.errors = 0
        self.last_error = ""

    def opinions(self, table: FeatureTable) -> Opinions:
        """Shares of labels that are not the spec's are left out."""
        return Opinions(self._probabilities(table))

    def _probabilities(self, table: FeatureTable) -> NDArray[np.float64]:
        opinions = [self._opinion(table, row) for row in range(len(table.rows))]
        if all(len(opinion) < 2 for opinion in opinions):
            return np.zeros((len(opinions), 0))
        shares = np.array(
            [
                [opinion.get(label, 0.0) if len(opinion) > 1 else np.nan for label in self._labels]
                for opinion in opinions
            ]
        )
        totals = shares.sum(axis=1, keepdims=True)
        sound = np.isfinite(totals) & (totals > 0.0) & (shares.min(axis=1, keepdims=True) >= 0.0)
        return np.where(sound, shares / np.where(sound, totals, 1.0), np.nan)

    def _opinion(self, table: FeatureTable, row: int) -> dict[str, float]:
        try:
            return self._model.predict_proba_one(table.row(row))
        except Exception as error:  # noqa: BLE001 - an estimator of someone's own may raise anything
            self.errors += 1
            self.last_error = f"{type(error).__name__}: {error}"
            return {}


class MixtureScorer:
    """By the model itself."""

    def __init__(self, model: Mixture) -> None:
        self._model = model
        self.errors = 0
        self.last_error = ""

    def opinions(self, table: FeatureTable) -> Opinions:
        """The members' and the mixture's; no member has one until two labels have been seen."""
        weights = self._model.weights
        if len(self._model.seen) < 2:
            rows, labels = len(table.rows), len(self._model.labels)
            return Opinions(np.zeros((rows, 0)), np.full((len(weights), rows, labels), np.nan), weights)
        members = self._model.members(table)
        return Opinions(self._model.hedge.mix(members), members, weights)


class ModelScorer:
    """By a model that scores whole micro-batches itself."""

    def __init__(self, model: LinearScorer) -> None:
        self._model = model
        self.errors = 0
        self.last_error = ""

    def opinions(self, table: FeatureTable) -> Opinions:
        return Opinions(self._model.probabilities(table))


def scorer_of(model: Classifier, labels: tuple[str, ...]) -> Scorer:
    """The fastest way to score with this model."""
    if isinstance(model, ScaledLogistic):
        return ModelScorer(LinearScorer(model))
    return MixtureScorer(model) if isinstance(model, Mixture) else EventScorer(model, labels)
