"""The ``tree`` and ``forest`` presets: River's trees over features made fit for them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import base, forest, preprocessing, tree

from streamsel.learning.evidence import Evidence
from streamsel.learning.features import parts
from streamsel.learning.spec import unknown_label
from streamsel.learning.tree_columns import tree_columns
from streamsel.learning.tree_scoring import tree_shares
from streamsel.records import FeatureTable, Value

Numbers = dict[str, float]
Floats = NDArray[np.float64]


class SignedLogarithm:
    """Keeps order and small differences, and tames what is huge or skewed."""

    def learn(self, numbers: Numbers) -> None:
        """Nothing to learn."""

    def __call__(self, numbers: Numbers) -> Numbers:
        return {name: math.copysign(math.log1p(abs(value)), value) for name, value in numbers.items()}


class CutOffScore:
    """Standard scores cut off at ±5: Mondrian trees compare distances between features."""

    def __init__(self) -> None:
        self.scaler = preprocessing.StandardScaler()

    def learn(self, numbers: Numbers) -> None:
        self.scaler.learn_one(numbers)

    def __call__(self, numbers: Numbers) -> Numbers:
        means, variances = self.scaler.means, self.scaler.vars
        scores = {}
        for name, value in numbers.items():
            variance = variances.get(name, 0.0)
            scores[name] = min(max((value - means[name]) / variance**0.5, -5.0), 5.0) if variance else 0.0
        return scores


class Encoded(base.Classifier):
    """A River tree or forest that takes any mix of features.

    Categories and words become their evidence for each label (see ``Evidence``), so the trees only ever see
    finite numbers: one-hot columns would starve them, and River's own splits on strings follow the order of a
    hash. Labels are learned by index for the same reason. What is absent is left out; both trees then take a
    fixed path.
    """

    def __init__(
        self,
        labels: tuple[str, ...],
        text: str | None,
        estimator: tree.HoeffdingAdaptiveTreeClassifier | forest.AMFClassifier,
        scale: SignedLogarithm | CutOffScore,
    ) -> None:
        self.labels = labels
        self.text = text
        self.estimator: Any = estimator
        self.scale = scale
        self.evidence = Evidence(labels, text)

    @property
    def _multiclass(self) -> bool:
        return True

    def learn_one(self, x: Mapping[str, Value], y: str) -> None:
        """Raises, unchanged, ``ValueError`` or ``TypeError`` for a label or value that can't be learned."""
        if y not in self.labels:
            raise ValueError(unknown_label(y, self.labels))
        label = self.labels.index(y)
        known = parts(x, self.text)
        numbers = known.numbers | self.evidence.of(known)
        self.scale.learn(numbers)
        self.estimator.learn_one(self.scale(numbers), label)
        self.evidence.learn(known, label)

    def predict_proba_one(self, x: Mapping[str, Value]) -> dict[str, float]:
        """By label, of those seen so far; empty before the first."""
        return self._named(self.estimator.predict_proba_one(self._encoded(x)))

    def _encoded(self, x: Mapping[str, Value]) -> Numbers:
        known = parts(x, self.text)
        return self.scale(known.numbers | self.evidence.of(known))

    def _named(self, predicted: Mapping[int, float]) -> dict[str, float]:
        return {self.labels[label]: predicted[label] for label in sorted(predicted)}


class EncodedTrees(Encoded):
    """One tree, which scores a micro-batch at once."""

    def table_probabilities(self, table: FeatureTable) -> Floats:
        """See ``presets.ScoresTables``."""
        names, values = tree_columns(table, self.evidence)
        return tree_shares(self.estimator, names, values, len(self.labels))


class EncodedForest(Encoded):
    """A committee of trees, each of which learns every label."""

    @property
    def size(self) -> int:
        """How many trees."""
        return int(self.estimator.n_estimators)

    def members_proba_one(self, x: Mapping[str, Value]) -> list[dict[str, float]]:
        """Each tree's prediction, whose mean is the forest's; no tree's before the first label."""
        encoded = self._encoded(x)
        return [self._named(member.predict_proba_one(encoded)) for member in self.estimator]
