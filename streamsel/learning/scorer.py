"""Predictions for a whole micro-batch, whatever the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from streamsel.experience import shares_of
from streamsel.learning.copies import BaggedCopies
from streamsel.learning.linear import LinearScorer
from streamsel.learning.logistic import ScaledLogistic
from streamsel.learning.mixture import Mixture
from streamsel.learning.presets import Classifier, Committee, ScoresTables
from streamsel.records import FeatureTable, Value

Floats = NDArray[np.float64]
Said = TypeVar("Said")


class Opinions(NamedTuple):
    """What a model says of a micro-batch."""

    probabilities: Floats
    """(rows, labels) in the spec's order, or (rows, 0) while the model tells no two labels apart. A row of
    NaN is an event it has no opinion on, or failed on."""
    members: Floats | None = None
    """(members, rows, labels), of a committee; NaN as above."""
    weights: Floats | None = None
    """(members,), not negative, summing to 1."""


class Scorer(Protocol):
    """Follows its model: what the model learns shows in the next call."""

    @property
    def errors(self) -> int:
        """Events the model failed on so far."""

    @property
    def last_error(self) -> str: ...

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
        said = self._asked(table, self._model.predict_proba_one)
        return Opinions(_shares([opinion or {} for opinion in said], self._labels))

    def _asked(self, table: FeatureTable, ask: Callable[[dict[str, Value]], Said]) -> list[Said | None]:
        """What is said of each event; ``None`` where that fails."""
        return [self._answer(table.row(row), ask) for row in range(len(table.rows))]

    def _answer(self, features: dict[str, Value], ask: Callable[[dict[str, Value]], Said]) -> Said | None:
        try:
            return ask(features)
        except Exception as error:  # noqa: BLE001 - an estimator of someone's own may raise anything
            self.errors += 1
            self.last_error = f"{type(error).__name__}: {error}"
            return None


class CommitteeScorer(EventScorer):
    """Event by event and member by member."""

    def __init__(self, model: Committee, labels: tuple[str, ...]) -> None:
        super().__init__(cast(Classifier, model), labels)
        self._committee = model

    def opinions(self, table: FeatureTable) -> Opinions:
        """The members' and their mean."""
        said = self._asked(table, self._committee.members_proba_one)
        members = [
            [opinions[member] if opinions else {} for opinions in said]
            for member in range(self._committee.size)
        ]
        return _agreed([_shares(opinions, self._labels) for opinions in members], len(self._labels))


class CopiesScorer:
    """By every copy, in the way that is fastest for it."""

    def __init__(self, model: BaggedCopies) -> None:
        self._labels = model.labels
        self._copies = [scorer_of(copy, model.labels) for copy in model.copies]

    @property
    def errors(self) -> int:
        """Of the copy that failed on most events."""
        return max(copy.errors for copy in self._copies)

    @property
    def last_error(self) -> str:
        return next((copy.last_error for copy in self._copies if copy.last_error), "")

    def opinions(self, table: FeatureTable) -> Opinions:
        """The copies' and their mean."""
        said = [copy.opinions(table).probabilities for copy in self._copies]
        return _agreed(said, len(self._labels))


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


class TableScorer:
    """By a model that scores a whole micro-batch at once, or by what does so for it."""

    def __init__(self, probabilities: Callable[[FeatureTable], Floats]) -> None:
        self._probabilities = probabilities
        self.errors = 0
        self.last_error = ""

    def opinions(self, table: FeatureTable) -> Opinions:
        return Opinions(self._probabilities(table))


class LinearTableScorer(TableScorer):
    """By a linear model, of which can be told as well what moved each prediction."""

    def __init__(self, model: ScaledLogistic) -> None:
        linear = LinearScorer(model)
        super().__init__(linear.probabilities)
        self.contributions = linear.contributions


def scorer_of(model: Classifier, labels: tuple[str, ...]) -> Scorer:
    """The fastest way to score with this model, members included."""
    if isinstance(model, ScaledLogistic):
        return LinearTableScorer(model)
    if isinstance(model, Mixture):
        return MixtureScorer(model)
    if isinstance(model, BaggedCopies):
        return CopiesScorer(model)
    if isinstance(model, Committee):
        return CommitteeScorer(model, labels)
    if isinstance(model, ScoresTables):
        return TableScorer(model.table_probabilities)
    return EventScorer(model, labels)


def has_members(model: Classifier) -> bool:
    """Whether the model is a committee: its opinions are then those of its members as well."""
    return isinstance(model, Mixture | Committee | BaggedCopies)


def _shares(opinions: Sequence[Mapping[str, float]], labels: tuple[str, ...]) -> Floats:
    """(opinions, labels); NaN for one that is unsound, or tells no two labels apart. (opinions, 0) if none
    does."""
    if all(len(opinion) < 2 for opinion in opinions):
        return np.zeros((len(opinions), 0))
    nothing = [math.nan] * len(labels)
    return np.array([shares_of(opinion, labels) or nothing for opinion in opinions])


def _agreed(said: Sequence[Floats], labels: int) -> Opinions:
    """Of members who all count alike, by what each says of the events: the mean of those with an opinion."""
    members = np.array([one if one.shape[1] else np.full((len(one), labels), np.nan) for one in said])
    weights = np.full(len(said), 1.0 / len(said))
    if not any(one.shape[1] for one in said):
        return Opinions(said[0], members, weights)
    known = ~np.isnan(members).any(axis=2)
    totals = np.where(known[:, :, None], members, 0.0).sum(axis=0)
    counts = known.sum(axis=0)[:, None]
    return Opinions(totals / np.where(counts > 0, counts, np.nan), members, weights)
