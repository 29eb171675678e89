"""The ``text`` preset: hashed n-grams into logistic regression and complement naive Bayes, mixed.

Each member scores a micro-batch at once: by class, the entries' values times their buckets' weights are
summed by row. A row's sum does not depend on the others, so an event is scored alike alone, to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray
from river import preprocessing

from streamsel.learning.features import LARGEST_NUMBER, category, parts
from streamsel.learning.logistic import LARGEST_SCORE
from streamsel.learning.mixture import Mixture
from streamsel.learning.ngrams import ngrams, prepared, stretches
from streamsel.learning.spec import unknown_label
from streamsel.records import FeatureTable, Value

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST_BITS, LEAST_BITS, WEIGHT_BITS = 18, 10, 20
"""Of buckets of n-grams there are 2^18 up to four classes; beyond, as many as keep a table at 2^20 weights,
and at least 2^10."""
OTHERS = 4
"""One bucket of numbers and categories for so many of n-grams."""

LEARNING_RATE = 0.2
TEXT_NORM = 1.2
"""A text weighs about as much as one standardised number and a half. With the rate, the best on 10 % and all
labels of a spam collection and of a four-class one over rates of 0.03 to 0.4 and norms of 1 to 6."""
SMOOTHING = 0.2
VOCABULARY = 30_000
"""N-grams a language is taken to have, of which most were not seen yet."""
TEMPER = 0.7
"""N-grams overlap, so a text's evidence is not the sum of theirs: of n it is that over √n, times this."""


class Entries(NamedTuple):
    """A sparse matrix, entry by entry; entries of one place add up."""

    rows: Integers
    buckets: Integers
    values: Floats

    def and_also(self, others: Entries) -> Entries:
        """These and others of the same rows."""
        return Entries(*(np.concatenate(both) for both in zip(self, others, strict=True)))

    def sums(self, weights: Floats, count: int) -> Floats:
        """Each entry's value times its weight, summed by row: (``count``,)."""
        return np.bincount(self.rows, self.values * weights, count).astype(np.float64, copy=False)


class SparseLogistic:
    """Multinomial logistic regression by AdaGrad (J. Duchi et al., JMLR 12, 2011)."""

    def __init__(self, buckets: int, classes: int) -> None:
        # Filled, not just reserved: else the first labels would wait for the pages, one by one.
        self._weights = np.full((classes, buckets), 0.0)
        self._squares = np.full((classes, buckets), 0.0)

    def probabilities(self, entries: Entries, count: int) -> Floats:
        """(``count``, classes)"""
        logits = [entries.sums(weights[entries.buckets], count) for weights in self._weights]
        return _softmax(np.array(logits))

    def learn(self, entries: Entries, y: int) -> None:
        """One event's entries and the index of its label."""
        errors = self.probabilities(entries, 1)[0]
        errors[y] -= 1.0
        buckets, places = np.unique(entries.buckets, return_inverse=True)
        values = np.bincount(places, entries.values)
        for weights, squares, error in zip(self._weights, self._squares, errors.tolist(), strict=True):
            gradient = error * values
            squares[buckets] += gradient * gradient
            weights[buckets] -= LEARNING_RATE * gradient / np.sqrt(squares[buckets] + 1e-6)


class ComplementBayes:
    """A class is as likely as the text is unlike all other classes' texts: with few labels those are more,
    and more alike in number. (J. Rennie et al., Tackling the Poor Assumptions of Naive Bayes Text
    Classifiers, ICML 2003.)"""

    def __init__(self, buckets: int, classes: int) -> None:
        self._counts = np.full((classes, buckets), 0.0)
        self._everywhere = np.full(buckets, 0.0)
        self._totals = np.zeros(classes)
        self._labels = np.zeros(classes)

    def probabilities(self, text: Entries, count: int) -> Floats:
        """(``count``, classes); a row of NaN where there is no text."""
        everywhere = self._everywhere[text.buckets] + SMOOTHING
        total = self._totals.sum() + SMOOTHING * VOCABULARY
        unlikeness = [
            text.sums(np.log((everywhere - counts[text.buckets]) / (total - own)), count)
            for counts, own in zip(self._counts, self._totals, strict=True)
        ]
        prior = np.log(self._labels + 1.0)
        shares = _softmax(prior[:, None] - TEMPER / TEXT_NORM * np.array(unlikeness))
        shares[np.bincount(text.rows, minlength=count) == 0] = np.nan
        return shares

    def learn(self, text: Entries, y: int) -> None:
        """One event's n-grams and the index of its label."""
        np.add.at(self._counts[y], text.buckets, 1.0)
        np.add.at(self._everywhere, text.buckets, 1.0)
        self._totals[y] += len(text.buckets)
        self._labels[y] += 1.0


class TextMixture(Mixture):
    """Takes any mix of features: the n-grams of ``text`` go into both members; numbers, standardised by the
    labelled events' mean and variance, and categories into the logistic alone.

    Features are hashed (K. Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009),
    so memory does not grow: it is some 30 MB up to a thousand classes.
    """

    def __init__(self, labels: tuple[str, ...], text: str | None = None) -> None:
        super().__init__(labels, members=2)
        self.text = text
        classes = len(labels)
        self._bits = max(min(MOST_BITS, WEIGHT_BITS - (classes - 1).bit_length()), LEAST_BITS)
        self._buckets = 1 << self._bits
        self._others = self._buckets // OTHERS
        self._scaler = preprocessing.StandardScaler()
        self._logistic = SparseLogistic(self._buckets + self._others + 1, classes)
        self._bayes = ComplementBayes(self._buckets, classes)

    def learn_one(self, x: Mapping[str, Value], y: str) -> None:
        """Raises, unchanged, ``ValueError`` or ``TypeError`` for a label or value that can't be learned."""
        if y not in self.labels:
            raise ValueError(unknown_label(y, self.labels))
        self._scaler.learn_one(parts(x, self.text).numbers)
        label = self.labels.index(y)
        table = FeatureTable.of([x])
        text, entries = self._encoded(table, self._texts(table))
        self.hedge.learn(self._opinions(text, entries, 1)[:, 0], label)
        self._logistic.learn(entries, label)
        self._bayes.learn(text, label)
        self.seen.add(y)

    def members(self, table: FeatureTable) -> Floats:
        """Logistic regression and naive Bayes; the latter has no opinion where there is no text, the former
        none where a number is NaN."""
        texts = self._texts(table)
        opinions = np.empty((2, len(texts), len(self.labels)))
        for stretch in stretches(texts):
            piece = FeatureTable(table.names, table.rows[stretch])
            text, entries = self._encoded(piece, texts[stretch])
            opinions[:, stretch] = self._opinions(text, entries, len(piece.rows))
        return opinions

    def _opinions(self, text: Entries, entries: Entries, count: int) -> Floats:
        """(members, rows, labels)"""
        logistic = self._logistic.probabilities(entries, count)
        return np.stack((logistic, self._bayes.probabilities(text, count)))

    def _texts(self, table: FeatureTable) -> list[str]:
        if self.text not in table.names:
            return [""] * len(table.rows)
        place = table.names.index(self.text)
        values = (row[place] for row in table.rows)
        return [prepared(value) if isinstance(value, str) else "" for value in values]

    def _encoded(self, table: FeatureTable, texts: list[str]) -> tuple[Entries, Entries]:
        """The n-grams, and with them everything else."""
        found = ngrams(texts, self._bits)
        lengths = np.bincount(found.rows, minlength=len(texts))
        text = Entries(*found, TEXT_NORM / np.sqrt(lengths[found.rows]))
        return text, text.and_also(self._encoded_others(table))

    def _encoded_others(self, table: FeatureTable) -> Entries:
        """The constant 1 of every row, its numbers as standard scores, its categories as 1."""
        count = len(table.rows)
        rows, values = list(range(count)), [1.0] * count
        buckets = [self._buckets + self._others] * count
        for name, column in zip(table.names, zip(*table.rows, strict=True), strict=True):
            mean, deviation = self._scaler.means.get(name, 0.0), self._scaler.vars.get(name, 0.0) ** 0.5
            for row, value in enumerate(column):
                if isinstance(value, str):
                    if name != self.text:
                        rows.append(row)
                        buckets.append(self._bucket(category(name, value)))
                        values.append(1.0)
                elif value is not None and deviation:
                    bounded = min(max(value, -LARGEST_NUMBER), LARGEST_NUMBER)
                    rows.append(row)
                    buckets.append(self._bucket(name))
                    values.append(min(max((bounded - mean) / deviation, -LARGEST_SCORE), LARGEST_SCORE))
        return Entries(np.array(rows, np.int64), np.array(buckets, np.int64), np.array(values))

    def _bucket(self, name: str) -> int:
        digest: int = xxhash.xxh3_64_intdigest(str(name).encode("utf-8", "surrogatepass"))
        return self._buckets + digest % self._others


def _softmax(logits: Floats) -> Floats:
    """(classes, rows) to (rows, classes)"""
    shares: Floats = np.exp(logits - logits.max(axis=0))
    shares /= shares.sum(axis=0)
    return shares.T
