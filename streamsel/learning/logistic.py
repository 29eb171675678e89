"""The ``logistic`` preset: River's logistic regression over standardised numbers, categories and words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import base, linear_model, multiclass, optim

from streamsel.learning.adagrad import learn, learn_many, log_odds, probability
from streamsel.learning.features import Parts, number_table, parts, word_vector
from streamsel.learning.moments import Moments
from streamsel.learning.spec import unknown_label
from streamsel.records import Value

Floats = NDArray[np.float64]

LEARNING_RATE = 0.4
"""Of AdaGrad, which was best with few labels over rates and optimisers (SGD, Adam, RMSProp, FTRL)."""
LARGEST_SCORE = 5.0
"""Standard scores are cut off here: one freak value moves neither a weight nor a prediction beyond reason."""
AT_ONCE = 100
"""Labels: more of them take hardly less time each."""
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
        self.moments = Moments()
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
        self.moments.learn(known.numbers)
        encoded = self._encoded(known)
        for regression, own in self._by_label:
            learn(regression, encoded, target=y == own)
        self.seen.add(y)
        self.learned += 1

    @property
    def at_once(self) -> int:
        """See ``presets.LearnsEach``."""
        return AT_ONCE

    def learn_each(
        self, events: Sequence[Mapping[str, Value]], labels: Sequence[str], asked: Sequence[bool]
    ) -> list[dict[str, float]] | None:
        """See ``presets.LearnsEach``; where all are numbers."""
        if not set(labels) <= set(self.labels):
            return None
        table = number_table(events)
        if table is None:
            return None
        names, matrix = table
        before, scores = map(_with_constant, self.moments.learn_many(names, matrix))
        questions = [row if one else None for row, one in zip(before, asked, strict=True)]
        found = [
            learn_many(regression, (*names, CONSTANT), scores, questions, [label == own for label in labels])
            for regression, own in self._by_label
        ]
        said = map(self._shares, zip(*found, strict=True))
        told = []
        for label, one in zip(labels, asked, strict=True):
            if one:
                shares = next(said)
                told.append(shares if len(self.seen) > 1 else dict.fromkeys(self.seen, 1.0))
            self.seen.add(label)
        self.learned += len(events)
        return told

    def predict_proba_one(self, x: Mapping[str, Value]) -> dict[str, float]:
        """By label; empty before the first label, and certain of the only label seen so far."""
        if len(self.seen) < 2:
            return dict.fromkeys(self.seen, 1.0)
        encoded = self._encoded(parts(x, self.text))
        return self._shares([log_odds(regression, encoded) for regression in self.regressions])

    def contributions(self, x: Mapping[str, Value]) -> dict[str, float]:
        """By feature, what it adds to the log odds of the label that is predicted; nothing before two labels
        have been seen. An average number or an absent feature adds nothing."""
        if len(self.seen) < 2:
            return {}
        known = parts(x, self.text)
        encoded = self._encoded(known)
        shares = self._shares([log_odds(regression, encoded) for regression in self.regressions])
        predicted = self.labels.index(max(shares, key=shares.__getitem__))
        # One regression tells two labels apart, and speaks for the second.
        binary = len(self.labels) == 2
        sign = -1.0 if binary and predicted == 0 else 1.0
        weights: Mapping[Any, float] = self.regressions[0 if binary else predicted]._weights  # noqa: SLF001
        # A category may go by the name of a number.
        scores = self._encoded(Parts(known.numbers, {}, [])) if known.categories else encoded
        added = {name: weights.get(name, 0.0) * scores[name] for name in known.numbers if name in scores}
        added |= {name: weights.get(category, 0.0) for name, category in known.categories.items()}
        if self.text is not None and known.words:
            vector = word_vector(known.words)
            added[self.text] = sum(weights.get(bucket, 0.0) * count for bucket, count in vector.items())
        return {name: sign * value for name, value in added.items() if value}

    @property
    def _by_label(self) -> Iterable[tuple[Any, str]]:
        """Each regression with the label that it speaks for."""
        regressions = self.regressions
        return zip(regressions, self.labels[-len(regressions) :], strict=True)

    def _shares(self, log_odds: Sequence[float]) -> dict[str, float]:
        """By label, from each regression's."""
        shares = [probability(odds) for odds in log_odds]
        if len(shares) == 1:
            shares = [1.0 - shares[0], shares[0]]
        elif total := math.fsum(shares):
            shares = [share / total for share in shares]
        else:
            shares = [1.0 / len(shares)] * len(shares)
        return dict(zip(self.labels, shares, strict=True))

    def _encoded(self, known: Parts) -> dict[str | int, float]:
        encoded: dict[str | int, float] = {CONSTANT: 1.0}
        for name, score in self.moments.scores(known.numbers).items():
            ordinary = -LARGEST_SCORE <= score <= LARGEST_SCORE
            encoded[name] = score if ordinary else math.copysign(LARGEST_SCORE, score)
        for category in known.categories.values():
            # Added, not set, as a feature's name may itself hold an equals sign.
            encoded[category] = encoded.get(category, 0.0) + 1.0
        return encoded | word_vector(known.words)


def _regression() -> Any:
    return linear_model.LogisticRegression(optimizer=optim.AdaGrad(LEARNING_RATE), intercept_lr=0.0)


def _with_constant(scores: Floats) -> Floats:
    bounded = np.clip(scores, -LARGEST_SCORE, LARGEST_SCORE)
    return np.hstack((bounded, np.ones((len(scores), 1))))
