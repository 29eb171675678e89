"""The yardstick: River's own models, mixed the same way, learning every label."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import xxhash
from river import forest, linear_model, multiclass, naive_bayes, preprocessing, tree

from streamsel.backtest.stream import Stream
from streamsel.backtest.trace import Floats
from streamsel.learning.hedge import Hedge
from streamsel.records import Features

BUCKETS = 64


def river_mixture(stream: Stream, seed: int) -> Floats:
    """Scaled logistic regression, Gaussian naive Bayes, a Hoeffding adaptive tree and an aggregated Mondrian
    forest of 10 trees in one Hedge: (events, labels), each event predicted, then learned."""
    mixture = RiverMixture(len(stream.labels), seed)
    predictions = np.full((len(stream), len(stream.labels)), np.nan)
    for row, (event, label) in enumerate(zip(stream.events, stream.truth.tolist(), strict=True)):
        predictions[row] = mixture.learn(event, label)
    return predictions


class RiverMixture:
    """Scores and learns event by event, as River's models do."""

    def __init__(self, classes: int, seed: int) -> None:
        self._classes = classes
        self._members = _members(classes, seed)
        self._hedge = Hedge(len(self._members), classes)

    def predict(self, event: Features) -> Floats:
        """(classes,)"""
        return self._mixed(self._said(_numbers(event)))

    def learn(self, event: Features, y: int) -> Floats:
        """``y`` is the index of the label; returns what was predicted before it was learned."""
        features = _numbers(event)
        said = self._said(features)
        predicted = self._mixed(said)
        self._hedge.learn(said, y)
        for member in self._members:
            member.learn_one(features, y)
        return predicted

    def _mixed(self, said: Floats) -> Floats:
        mixed: Floats = self._hedge.mix(said[:, None, :])[0]
        return mixed

    def _said(self, features: dict[str, float]) -> Floats:
        """(members, classes), NaN for one without an opinion."""
        said = np.full((len(self._members), self._classes), np.nan)
        for place, member in enumerate(self._members):
            opinion = member.predict_proba_one(features)
            if len(opinion) > 1:
                shares = np.array([opinion.get(one, 0.0) for one in range(self._classes)], dtype=np.float64)
                if np.isfinite(shares).all() and shares.sum() > 0.0:
                    said[place] = shares / shares.sum()
        return said


def _members(classes: int, seed: int) -> list[Any]:
    logistic: Any = linear_model.LogisticRegression()
    if classes > 2:
        logistic = multiclass.OneVsRestClassifier(logistic)
    return [
        preprocessing.StandardScaler() | logistic,
        naive_bayes.GaussianNB(),
        tree.HoeffdingAdaptiveTreeClassifier(seed=seed),
        forest.AMFClassifier(n_estimators=10, dirichlet=1.0 / classes, seed=seed),
    ]


def _numbers(event: Features) -> dict[str, float]:
    """Numbers as they are; a text as the counts of its words in ``BUCKETS``, for trees need numbers that are
    always there."""
    features: dict[str, float] = {}
    for name, value in event.items():
        if isinstance(value, str):
            words = value.lower().encode().split()
            counts = Counter(xxhash.xxh3_64_intdigest(word) % BUCKETS for word in words)
            features |= {f"{name}:{bucket}": float(counts[bucket]) for bucket in range(BUCKETS)}
        elif value is not None:
            features[name] = float(value)
    return features
