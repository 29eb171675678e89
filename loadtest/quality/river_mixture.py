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
    labels = stream.labels
    members = _members(labels, seed)
    hedge = Hedge(len(members), len(labels))
    predictions = np.full((len(stream), len(labels)), np.nan)
    for row, (event, label) in enumerate(zip(stream.events, stream.truth.tolist(), strict=True)):
        features = _numbers(event)
        said = np.full((len(members), len(labels)), np.nan)
        for place, member in enumerate(members):
            opinion = member.predict_proba_one(features)
            if len(opinion) > 1:
                shares = np.array([opinion.get(one, 0.0) for one in range(len(labels))], dtype=np.float64)
                if np.isfinite(shares).all() and shares.sum() > 0.0:
                    said[place] = shares / shares.sum()
        predictions[row] = hedge.mix(said[:, None, :])[0]
        hedge.learn(said, label)
        for member in members:
            member.learn_one(features, label)
    return predictions


def _members(labels: tuple[str, ...], seed: int) -> list[Any]:
    logistic: Any = linear_model.LogisticRegression()
    if len(labels) > 2:
        logistic = multiclass.OneVsRestClassifier(logistic)
    return [
        preprocessing.StandardScaler() | logistic,
        naive_bayes.GaussianNB(),
        tree.HoeffdingAdaptiveTreeClassifier(seed=seed),
        forest.AMFClassifier(n_estimators=10, dirichlet=1.0 / len(labels), seed=seed),
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
