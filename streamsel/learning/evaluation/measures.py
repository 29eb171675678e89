"""Measures of quality over all events of a cell: accuracy and what else follows from who was taken for whom.

With T[k, c] the events predicted as k that are c, all but log loss and calibration are functions of T. Each
T[k, c] is estimated as in ``aipw``, where a label's part is 1[predicted k] (1[true c] − p(c)). A function's
interval comes from its gradient at the estimate (the delta method). How many events were predicted as k is
known exactly, so accuracy, precision and costs are sums of known numbers and weighted residuals alone.

As in the backtest, of two labels the second is the positive one and precision, recall and F1 are its own; of
more they are the mean over the labels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from streamsel.experience import LEAST_PROBABILITY
from streamsel.learning.evaluation.aipw import LEAST_ANSWERS, NOTHING, Answers, Estimate, Weighing
from streamsel.learning.evaluation.ranking import bootstrapped
from streamsel.learning.evaluation.sums import BINS, Columns, Floats, entropies

Measures = Mapping[str, Estimate]

_BLOCKS = 500
"""Answers are drawn by so many groups where there are more: that is much faster, and as good."""


class Cell:
    """All events of a cell and its answers, to be measured."""

    def __init__(self, row: Floats, answers: Answers) -> None:
        """``row``: the cell's sums, as in ``sums``."""
        self._answers = answers
        self._labels = answers.probabilities.shape[1]
        columns = Columns(self._labels)
        self._entropy = float(row[columns.entropy])
        self._histogram = row[columns.histogram].reshape(self._labels, BINS)
        self.weighing = Weighing(answers, row[columns.asked], self._histogram)
        self._expected = row[columns.expected].reshape(self._labels, self._labels)
        self.events = float(self._expected.sum())
        """Those predicted, and within reach."""
        self._predicted = self.weighing.predicted
        truth = np.eye(self._labels)[answers.truth]
        self._surprise: Floats = truth - answers.probabilities
        """(answers, labels)"""
        self._confusion = self._expected.copy()
        np.add.at(self._confusion, self._predicted, self.weighing.weights[:, None] * self._surprise)

    def measures(self, costs: Floats | None = None) -> Measures:
        """By name; ``costs`` (labels, labels) is what an event predicted as one label costs that is
        another."""
        found = {
            "accuracy": self._linear(np.eye(self._labels)).within(0.0, 1.0),
            "log_loss": self._log_loss(),
        }
        by_label = [self.of_label(label) for label in range(self._labels)]
        reported = by_label[1:] if self._labels == 2 else by_label
        for name in ("precision", "recall", "f1"):
            found[name] = reported[0][name] if len(reported) == 1 else self._macro(name)
        if costs is not None:
            found["cost"] = self._linear(costs)
        return found

    def of_label(self, label: int) -> Measures:
        """Precision, recall and F1 of one label against the others."""
        return {name: self._ratio(*self._parts(name, label)) for name in ("precision", "recall", "f1")}

    def calibration_error(self) -> Estimate:
        """Root mean square of how far the share of right predictions is from how sure the model was, over
        what was predicted and bins of how sure; less what chance alone would make of it. (A. Kumar, P. Liang
        and T. Ma, Verified Uncertainty Calibration, NeurIPS 2019.)"""
        events = self._histogram.ravel()
        known = events > 0
        if not len(self._answers) or not known.any():
            return NOTHING
        weights, strata = self.weighing.weights, self.weighing.strata
        terms = weights * self._surprise[np.arange(len(weights)), self._predicted]
        by_chance = (1.0 - self._answers.propensities) * terms**2
        chance = np.bincount(strata, by_chance, len(events))[known]
        blocks = np.arange(len(weights)) % _BLOCKS
        parts = np.bincount(blocks * len(events) + strata, terms, _BLOCKS * len(events))
        gaps = parts.reshape(_BLOCKS, len(events))[:, known]

        def error(drawn: Floats) -> float:
            found = float((((drawn @ gaps) ** 2 - chance) / events[known]).sum()) / self.events
            return math.sqrt(max(found, 0.0))

        found = bootstrapped(error, np.ones(_BLOCKS))
        return found if len(weights) >= LEAST_ANSWERS else Estimate(found.value)

    def _linear(self, gains: Floats) -> Estimate:
        """Σ gains · T over events."""
        residuals = np.einsum("ij,ij->i", gains[self._predicted], self._surprise)
        return self.weighing.total(float((gains * self._expected).sum()), residuals, self.events)

    def _log_loss(self) -> Estimate:
        """In nats an event; a label held for less likely than ``LEAST_PROBABILITY`` costs no more."""
        said = self._answers.probabilities
        losses = -np.log(np.maximum(said[np.arange(len(said)), self._answers.truth], LEAST_PROBABILITY))
        found = self.weighing.total(self._entropy, losses - entropies(said), self.events)
        return found.within(0.0, math.inf)

    def _parts(self, name: str, label: int) -> tuple[Floats, Floats]:
        """Numerator and denominator, as gains."""
        hit = np.zeros((self._labels, self._labels))
        hit[label, label] = 1.0
        predicted, occurred = np.zeros_like(hit), np.zeros_like(hit)
        predicted[label, :] = 1.0
        occurred[:, label] = 1.0
        if name == "precision":
            return hit, predicted
        return (hit, occurred) if name == "recall" else (2.0 * hit, predicted + occurred)

    def _slope(self, numerator: Floats, denominator: Floats) -> tuple[float, Floats]:
        """Value and gradient of a ratio; NaN where there is nothing to divide by."""
        below = float((denominator * self._confusion).sum())
        if below <= 0.0:
            return math.nan, np.zeros_like(numerator)
        value = float((numerator * self._confusion).sum()) / below
        return value, (numerator - value * denominator) / below

    def _ratio(self, numerator: Floats, denominator: Floats) -> Estimate:
        value, slope = self._slope(numerator, denominator)
        return self._around(value, slope)

    def _macro(self, name: str) -> Estimate:
        parts = [self._slope(*self._parts(name, label)) for label in range(self._labels)]
        told = [(value, slope) for value, slope in parts if not math.isnan(value)]
        if not told:
            return NOTHING
        value = sum(value for value, _ in told) / len(told)
        return self._around(value, sum((slope for _, slope in told), np.zeros(())) / len(told))

    def _around(self, value: float, slope: Floats) -> Estimate:
        """A value of which the gradient is known."""
        if math.isnan(value):
            return NOTHING
        residuals = np.einsum("ij,ij->i", slope[self._predicted], self._surprise)
        unbiased, drawn, half = self.weighing.weighed(residuals)
        return Estimate(value + drawn - unbiased, value - half, value + half).within(0.0, 1.0)
