"""A committee of any model: copies of it that have each learned a sample of the labels."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import xxhash
from river import base

from streamsel.experience import shares_of
from streamsel.learning.spec import unknown_label
from streamsel.records import Value

if TYPE_CHECKING:
    from streamsel.learning.presets import Classifier

_MOST_TIMES = 12
_UP_TO = list(accumulate(math.exp(-1.0) / math.factorial(times) for times in range(_MOST_TIMES)))
"""Probability of so many times or fewer, by Poisson(1); more than twelve are as good as impossible."""


class BaggedCopies(base.Classifier):
    """Online bagging: every copy learns each label a number of times drawn from Poisson(1), as if it were a
    batch learner's bootstrap sample. (N. C. Oza and S. Russell, Online Bagging and Boosting, AISTATS 2001.)

    The draws follow from the seed and the label's place among those learned. Labels are dear: one that no
    copy drew is learned by a copy in turn.
    """

    def __init__(self, labels: tuple[str, ...], copies: Sequence[Classifier], seed: int) -> None:
        """``copies`` differ in nothing but their seeds, if they have any."""
        self.labels = labels
        self.copies = copies
        self.seed = seed
        self.learned = 0
        """Labels learned."""

    @property
    def _multiclass(self) -> bool:
        return True

    def learn_one(self, x: Mapping[str, Value], y: str) -> None:
        """Raises ``ValueError`` for an unknown label, and what a copy raises: the first to learn it, so that
        nothing has changed if that leaves itself unchanged."""
        if y not in self.labels:
            raise ValueError(unknown_label(y, self.labels))
        drawn = [self._times(index) for index in range(len(self.copies))]
        if not any(drawn):
            drawn[self.learned % len(drawn)] = 1
        for copy, times in zip(self.copies, drawn, strict=True):
            for _ in range(times):
                copy.learn_one(x, y)
        self.learned += 1

    def predict_proba_one(self, x: Mapping[str, Value]) -> dict[str, float]:
        """The mean of the copies that tell labels apart; before any does, what one of them says."""
        said = [copy.predict_proba_one(x) for copy in self.copies]
        known = [shares for one in said if (shares := shares_of(one, self.labels)) is not None]
        if not known:
            return next(filter(None, said), {})
        return dict(zip(self.labels, np.mean(known, axis=0).tolist(), strict=True))

    def _times(self, copy: int) -> int:
        draw = xxhash.xxh3_64_intdigest(f"{self.seed} {self.learned} {copy}".encode()) / 2**64
        return bisect_right(_UP_TO, draw)
