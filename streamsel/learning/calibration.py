"""Predictions as sure of themselves as they have lately been right.

Labels of the explore lane are a fair sample of the stream, so they alone tell. What the model had predicted
for each just before it learned it follows from the log, so every replica comes to the same scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOW = 200
"""Labels of the explore lane that decide."""
RELUCTANCE = 40.0
"""Weight of the scale's squared distance from 1, against losses in nats: few labels change little."""
SMOOTHING = 0.01
"""How much of a prediction is an even chance, so that a label held for impossible has a finite loss."""
LEAST_SCALE, LARGEST_SCALE = 0.1, 5.0
_LONGEST_HISTORY = 10 * WINDOW
_STEPS = 30
_CLOSE = 1e-9


_Explored: TypeAlias = tuple[Sequence[float], int]
"""What had been predicted for an event, (labels,), and the index of its label."""


class Calibration:
    """Temperature scaling: p ∝ p^scale, by maximum likelihood with a Gaussian prior around 1. (C. Guo et al.,
    On Calibration of Modern Neural Networks, ICML 2017; of two labels it is Platt scaling without intercept,
    J. Platt, Probabilistic Outputs for Support Vector Machines, 1999.)

    The order of an event's labels stays as it is, so no prediction changes sides. Class intercepts and beta
    calibration (M. Kull et al., AISTATS 2017) gain hardly more log loss, and on streams where the classes
    overlap they cost points of accuracy.
    """

    __slots__ = ("_count", "_history", "_labels", "_scale")

    def __init__(self, labels: int, history: list[_Explored], count: int) -> None:
        """By the last of the first ``count`` of ``history``, to which later ones are added at its end: it is
        shared with the calibrations they make."""
        self._labels = labels
        self._history = history
        self._count = count
        self._scale: float | None = None

    @classmethod
    def identity(cls, labels: int) -> Calibration:
        """Before the first label of the explore lane, for so many labels to choose from."""
        return cls(labels, [], 0)

    def __reduce__(self) -> tuple[type[Calibration], tuple[int, list[_Explored], int]]:
        """Without what came later, or is no longer in the window."""
        window = self._window
        return Calibration, (self._labels, window, len(window))

    @property
    def logarithms(self) -> Floats:
        """(window, labels) of smoothed predictions"""
        predicted = [predicted for predicted, _ in self._window]
        return _logarithms(np.array(predicted).reshape(-1, self._labels))

    @property
    def answers(self) -> NDArray[np.int64]:
        """(window,) the index of the label each event turned out to have"""
        return np.array([answer for _, answer in self._window], np.int64)

    @property
    def scale(self) -> float:
        """Below 1 the model has been too sure of itself, above 1 not enough. Fitted when first asked for: a
        fold that only learns need not know."""
        if self._scale is None:
            self._scale = _fitted(self.logarithms, self.answers) if self._count else 1.0
        return self._scale

    def learned(self, predicted: Sequence[float], y: int) -> Calibration:
        """With one label of the explore lane more: what the model had predicted, (labels,), and its index."""
        history, count = self._history, self._count
        if len(history) > count or count >= _LONGEST_HISTORY:
            # Another calibration has gone on from here, or most of it is out of the window.
            history = self._window
        history.append((predicted, y))
        return Calibration(self._labels, history, len(history))

    @property
    def _window(self) -> list[_Explored]:
        return self._history[max(self._count - WINDOW, 0) : self._count]

    def __call__(self, probabilities: Floats) -> Floats:
        """(rows, labels) to the same calibrated. A row of NaN stays one, and so does a table without columns.
        Nothing changes before the first label of the explore lane."""
        if not self._count or not probabilities.shape[1]:
            return probabilities
        return _softmax(self.scale * _logarithms(probabilities))


def _logarithms(probabilities: Floats) -> Floats:
    smoothed = (1.0 - SMOOTHING) * probabilities + SMOOTHING / probabilities.shape[-1]
    logarithms: Floats = np.log(smoothed)
    return logarithms


def _softmax(logits: Floats) -> Floats:
    shares: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _fitted(logarithms: Floats, answers: NDArray[np.int64]) -> float:
    """Newton's method; the objective is convex. It always begins at 1, so the scale depends on the window
    alone."""
    right = logarithms[np.arange(len(answers)), answers].sum()
    scale = 1.0
    for _ in range(_STEPS):
        shares = _softmax(scale * logarithms)
        means = (shares * logarithms).sum(axis=1)
        variances = (shares * logarithms**2).sum(axis=1) - means**2
        slope = means.sum() - right + RELUCTANCE * (scale - 1.0)
        step = slope / (variances.sum() + RELUCTANCE)
        nearer = float(min(max(scale - step, LEAST_SCALE), LARGEST_SCALE))
        if abs(nearer - scale) < _CLOSE:
            return nearer
        scale = nearer
    return scale
