"""The ``logistic`` preset: River's logistic regression over standardised numbers, categories and words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from river import base, linear_model, multiclass, optim, preprocessing

from streamsel.learning.features import Parts, parts, word_vector
from streamsel.learning.spec import unknown_label
from streamsel.records import Value

LEARNING_RATE = 0.4
"""Of AdaGrad, which was best with few labels over rates and optimisers (SGD, Adam, RMSProp, FTRL)."""
LARGEST_SCORE = 5.0
"""Standard scores are cut off here: one freak value moves neither a weight nor a prediction beyond reason."""
CONSTANT = -1
"""The key of a feature that is always 1 and learns the intercept; word buckets are the other integers."""


class ScaledLogistic(base.Classifier):
    """Logistic regression that takes any mix of features; one regression for each label beyond two.

    Numbers are standardised by the mean and variance of the labelled events, a constant one counting as
    absent; a category is a feature of its own, ``feature=value``; the words of ``text`` are hashed. An absent
    feature adds nothing, as if it were average. Optimiser: AdaGrad (J. Duchi et al., JMLR 12, 2011).
    """

    def __init__(self, labels: tuple[str, ...], text: str | None = None) -> None:
        self.labels = labels
        self.text = text
        self.learned = 0
        """Labels learned; grows whenever predictions change."""
        self.seen: set[str] = set()
        self.scaler = preprocessing.StandardScaler()
        if len(labels) == 2:
            self.classifier = _regression()
        else:
            self.classifier = multiclass.OneVsRestClassifier(_regression())
            # All labels from the start: one met late would otherwise begin with an even chance everywhere.
            self.classifier.classifiers = {label: _regression() for label in labels}

    @property
    def _multiclass(self) -> bool:
        return True

    @property
    def regressions(self) -> list[Any]:
        """River's estimators: the one of the second label of two, otherwise one for each label in order."""
        if len(self.labels) == 2:
            return [self.classifier]
        return list(self.classifier.classifiers.values())

    def learn_one(self, x: Mapping[str, Value], y: str) -> None:
        """Raises, unchanged, ``ValueError`` or ``TypeError`` for a label or value that can't be learned."""
        if y not in self.labels:
            raise ValueError(unknown_label(y, self.labels))
        known = parts(x, self.text)
        _learn_moments(self.scaler, known.numbers)
        encoded = self._encoded(known)
        for regression, label in zip(self.regressions, self.labels[-len(self.regressions) :], strict=True):
            _learn(regression, encoded, target=y == label)
        self.seen.add(y)
        self.learned += 1

    def predict_proba_one(self, x: Mapping[str, Value]) -> dict[str, float]:
        """By label; empty before the first label, and certain of the only label seen so far."""
        if len(self.seen) < 2:
            return dict.fromkeys(self.seen, 1.0)
        predicted: dict[Any, float] = self.classifier.predict_proba_one(self._encoded(parts(x, self.text)))
        if len(self.labels) == 2:
            return {self.labels[0]: predicted[False], self.labels[1]: predicted[True]}
        return predicted

    def contributions(self, x: Mapping[str, Value]) -> dict[str, float]:
        """By feature, what it adds to the log odds of the label that is predicted; nothing before two labels
        have been seen. An average number or an absent feature adds nothing."""
        if len(self.seen) < 2:
            return {}
        known = parts(x, self.text)
        shares = self.predict_proba_one(x)
        predicted = self.labels.index(max(shares, key=shares.__getitem__))
        # One regression tells two labels apart, and speaks for the second.
        binary = len(self.labels) == 2
        sign = -1.0 if binary and predicted == 0 else 1.0
        weights: Mapping[Any, float] = self.regressions[0 if binary else predicted]._weights  # noqa: SLF001
        scores = self._encoded(Parts(known.numbers, {}, []))
        added = {name: weights.get(name, 0.0) * scores[name] for name in known.numbers if name in scores}
        added |= {name: weights.get(category, 0.0) for name, category in known.categories.items()}
        if self.text is not None and known.words:
            vector = word_vector(known.words)
            added[self.text] = sum(weights.get(bucket, 0.0) * count for bucket, count in vector.items())
        return {name: sign * value for name, value in added.items() if value}

    def _encoded(self, known: Parts) -> dict[str | int, float]:
        means, variance_of = self.scaler.means, self.scaler.vars.get
        encoded: dict[str | int, float] = {CONSTANT: 1.0}
        for name, value in known.numbers.items():
            # River's own transform would keep every name it is ever asked about.
            variance = variance_of(name)
            if variance:
                score = (value - means[name]) / variance**0.5
                ordinary = -LARGEST_SCORE <= score <= LARGEST_SCORE
                encoded[name] = score if ordinary else math.copysign(LARGEST_SCORE, score)
        for category in known.categories.values():
            # Added, not set, as a feature's name may itself hold an equals sign.
            encoded[category] = encoded.get(category, 0.0) + 1.0
        return encoded | word_vector(known.words)


def _regression() -> Any:
    return linear_model.LogisticRegression(optimizer=optim.AdaGrad(LEARNING_RATE), intercept_lr=0.0)


# What River's own ``learn_one`` does to the same objects, to the last bit, in less time: it is most of what
# rebuilding a model from the log takes.


def _learn_moments(scaler: preprocessing.StandardScaler, numbers: Mapping[str, float]) -> None:
    counts, means, variances = scaler.counts, scaler.means, scaler.vars
    for name, value in numbers.items():
        count = counts[name] + 1
        before = means[name]
        mean = before + (value - before) / count
        variance = variances[name]
        counts[name], means[name] = count, mean
        variances[name] = variance + ((value - before) * (value - mean) - variance) / count


def _learn(regression: Any, encoded: Mapping[str | int, float], *, target: bool) -> None:
    weights, optimizer = regression._weights, regression.optimizer  # noqa: SLF001
    slope = regression.loss.gradient(target, weights.dot(encoded) + regression.intercept)
    rate, eps, squares, weight_of = optimizer.learning_rate, optimizer.eps, optimizer.g2, weights.get
    for name, value in encoded.items():
        gradient = value * slope
        squares[name] = total = squares[name] + gradient**2
        weights[name] = weight_of(name, 0.0) - rate / (total + eps) ** 0.5 * gradient
    optimizer.n_iterations += 1
