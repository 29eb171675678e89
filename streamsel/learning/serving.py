"""The model that scores now: a fold, exchanged for another in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.fold import Fold
from streamsel.learning.mixture import Mixture
from streamsel.learning.scorer import LinearTableScorer, Opinions, Scorer, scorer_of
from streamsel.learning.screening import ScreenedScorer
from streamsel.records import Experience, FeatureTable

MOST_CONTRIBUTIONS = 8
"""A reviewer reads no more, and every query carries them."""


class ServingModel:
    """Follows its fold as that learns, and keeps its identity when it is given another."""

    def __init__(self, fold: Fold, screen: float = 1.0) -> None:
        """``screen``, in (0, 1], is the share of each micro-batch that slow members of a mixture score."""
        self._screen = screen
        self.prediction_errors = 0
        """Events the model failed to score so far; see ``last_error``."""
        self.last_error = ""
        self.serve(fold)

    def serve(self, fold: Fold) -> None:
        """From here on predictions are this fold's."""
        self.fold = fold
        self._scorer: Scorer
        if self._screen < 1.0 and isinstance(fold.model, Mixture):
            self._scorer = ScreenedScorer(fold.model, self._screen)
        else:
            self._scorer = scorer_of(fold.model, fold.spec.labels)
        self._digest: tuple[int, str] | None = None

    @property
    def version(self) -> int:
        """The label-log offset behind the predictions."""
        return self.fold.version

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of ``probabilities``."""
        return self.fold.spec.labels

    @property
    def experience(self) -> Experience:
        """What the labels behind the predictions tell of the model."""
        return self.fold.experience

    def opinions(self, table: FeatureTable) -> Opinions:
        """See ``scorer.Opinions``; the probabilities are calibrated, the members' as they are."""
        before = self._scorer.errors
        opinions = self._scorer.opinions(table)
        if self._scorer.errors > before:
            self.prediction_errors += self._scorer.errors - before
            self.last_error = self._scorer.last_error
        return opinions._replace(probabilities=self.fold.calibration(opinions.probabilities))

    def contributions(self, table: FeatureTable) -> Sequence[Mapping[str, float]]:
        """What moved each prediction most, by feature, in log odds of the predicted label: of a linear model
        the ``MOST_CONTRIBUTIONS`` largest, of others nothing."""
        if not isinstance(self._scorer, LinearTableScorer):
            return [{}] * len(table.rows)
        return [_largest(every) for every in self._scorer.contributions(table)]

    def probabilities(self, table: FeatureTable) -> NDArray[np.float64]:
        """The opinions' probabilities alone."""
        return self.opinions(table).probabilities

    def digest(self) -> str:
        """See ``Fold.digest``; computed once a version."""
        if self._digest is None or self._digest[0] != self.version:
            self._digest = (self.version, self.fold.digest())
        return self._digest[1]


def _largest(contributions: Mapping[str, float]) -> dict[str, float]:
    largest = sorted(contributions, key=lambda name: -abs(contributions[name]))[:MOST_CONTRIBUTIONS]
    return {name: round(contributions[name], 3) for name in largest}
