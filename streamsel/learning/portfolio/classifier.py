"""The portfolio for River users: classes need not be named beforehand."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import narwhals.stable.v2 as narwhals
import numpy as np
from numpy.typing import NDArray
from river import base
from river.utils.dataframe import into_frame, into_series, to_native_frame, to_native_series

from streamsel.learning.features import number, parts
from streamsel.learning.portfolio.portfolio import Portfolio
from streamsel.learning.portfolio.refits import LONGEST_WINDOW
from streamsel.records import FeatureTable, Value

Floats = NDArray[np.float64]


class PortfolioClassifier(base.MiniBatchClassifier):
    """A mixture of online learners and of batch learners refitted from the last labels; see ``Portfolio``.

    Takes numbers, categories and one free text, in any mix; what is ``None``, NaN or absent is missing. A
    class counts from its first label on: the portfolio is then made anew from the last 4,000 labels, so up to
    there it predicts as if it had known every class from the start. That takes as long as learning them did,
    some ten seconds at the most; the events of these labels are kept for it.

    Parameters
    ----------
    text
        The feature that holds free text; every other string is a category.
    seed
        Of the boosted trees.

    Examples
    --------
    >>> from river import datasets, evaluate, metrics
    >>> from streamsel.learning.portfolio import PortfolioClassifier

    >>> phishing = datasets.Phishing().take(300)
    >>> evaluate.progressive_val_score(phishing, PortfolioClassifier(), metrics.Accuracy())
    Accuracy: 85.95%

    """

    def __init__(self, text: str | None = None, seed: int = 1) -> None:
        self.text = text
        self.seed = seed
        self.labels: tuple[Any, ...] = ()
        """Classes seen so far, the first one first."""
        self._portfolio = Portfolio((), text, seed)
        self._window: deque[tuple[dict[str, Value], Hashable]] = deque(maxlen=LONGEST_WINDOW)

    @property
    def _multiclass(self) -> bool:
        return True

    def learn_one(self, x: Mapping[Any, Any], y: Hashable) -> None:
        """Raises, unchanged, ``ValueError`` or ``TypeError`` for a label that is ``None`` or NaN, and a value
        that is neither number nor text."""
        if y is None or y != y:
            raise ValueError(f"{y} is not a label")
        features = _features(x)
        parts(features, self.text)
        if y not in self.labels:
            self.labels = (*self.labels, y)
            self._portfolio = Portfolio(tuple(map(str, range(len(self.labels)))), self.text, self.seed)
            for known, label in self._window:
                self._learn(known, label)
        self._learn(features, y)
        self._window.append((features, y))

    def predict_proba_one(self, x: Mapping[Any, Any], **kwargs: Any) -> dict[Any, float]:
        """By class; empty before the first label."""
        del kwargs
        return self._predicted([x])[0]

    def learn_many(self, X: Any, y: Any) -> None:  # noqa: N803 - River's name
        """As ``learn_one``, row by row of a data frame and a series, of pandas, Polars, PyArrow ..."""
        for x, label in zip(into_frame(X).iter_rows(named=True), into_series(y).to_list(), strict=True):
            self.learn_one(x, label)

    def predict_proba_many(self, X: Any) -> Any:  # noqa: N803
        """``predict_proba_one`` for every row, at a small part of the cost: of a data frame one of the same
        kind with a column for each class, of an iterable of events a list."""
        if not narwhals.dependencies.is_into_dataframe(X):
            return self._predicted(X)
        frame = into_frame(X)
        predicted = self._predicted(frame.iter_rows(named=True))
        shares = {label: [row[label] for row in predicted] for label in self.labels}
        return to_native_frame(shares, like=frame)

    def predict_many(self, X: Any) -> Any:  # noqa: N803
        """A series of the likeliest class for every row of a data frame; ``None`` before the first label."""
        frame = into_frame(X)
        predicted = self._predicted(frame.iter_rows(named=True))
        labels = [max(row, key=row.__getitem__) if row else None for row in predicted]
        return to_native_series(labels, name=None, like=frame)

    @property
    def weights(self) -> Floats:
        """(members,), summing to 1."""
        return self._portfolio.weights

    def members(self, table: FeatureTable) -> Floats:
        """(members, rows, labels) in the order of ``labels``; NaN where a member has no opinion."""
        return self._portfolio.members(table)

    def probabilities(self, table: FeatureTable) -> Floats:
        """(rows, labels) in the order of ``labels``, or (rows, 0) before the second class."""
        return self._portfolio.probabilities(table)

    def _learn(self, features: Mapping[str, Value], y: Hashable) -> None:
        self._portfolio.learn_one(features, str(self.labels.index(y)))

    def _predicted(self, events: Iterable[Mapping[Any, Any]]) -> list[dict[Any, float]]:
        predicted = self._portfolio.predict_proba_many(map(_features, events))
        return [dict(zip(self.labels, row.values(), strict=True)) for row in predicted]


def _features(x: Mapping[Any, Any]) -> dict[str, Value]:
    """By sorted names; missing values left out, numbers within bounds."""
    known = ((str(name), _value(str(name), value)) for name, value in x.items())
    return dict(sorted((name, value) for name, value in known if value is not None))


def _value(name: str, value: Any) -> Value:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value != value:
        return None
    return value if isinstance(value, str | bool) else number(name, value)
