"""A weighted mean with its interval, one value after the other, in constant memory."""

from __future__ import annotations

from math import sqrt
from typing import Any

_Z = 1.959963984540054
"""Of a two-sided interval of 95 %."""
LEAST = 10
"""With fewer values there is no interval."""


class Mean:
    """Σ w x / Σ w: with w = 1 / propensity, J. Hájek's estimate of the mean over all events from those asked
    about (in: Foundations of Statistical Inference, 1971). Its variance is that of the linearised ratio,
    Σ w² (x − mean)² / (Σ w)², draws taken as independent (C.-E. Särndal, B. Swensson and J. Wretman, Model
    Assisted Survey Sampling, 1992, chapter 5.5)."""

    def __init__(self) -> None:
        self.count = 0
        self._w = self._wx = self._ww = self._wwx = self._wwxx = 0.0

    def add(self, value: float, weight: float = 1.0) -> None:
        """One value."""
        self.count += 1
        self._w += weight
        self._wx += weight * value
        self._ww += weight * weight
        self._wwx += weight * weight * value
        self._wwxx += weight * weight * value * value

    @property
    def weight(self) -> float:
        """Σ w: how many events the values stand for."""
        return self._w

    @property
    def value(self) -> float | None:
        """``None`` of nothing."""
        return self._wx / self._w if self._w else None

    @property
    def effective(self) -> float:
        """As many values of one weight would tell as much (L. Kish, Survey Sampling, 1965)."""
        return self._w * self._w / self._ww if self._ww else 0.0

    def interval(self, least: float = 0.0, most: float = float("inf")) -> list[float] | None:
        """With 95 % confidence, cut to what is possible; ``None`` of few values."""
        mean = self.value
        if mean is None or self.count < LEAST:
            return None
        spread = max(self._wwxx - 2.0 * mean * self._wwx + mean * mean * self._ww, 0.0)
        half = _Z * sqrt(spread) / self._w
        return [max(mean - half, least), min(mean + half, most)]

    def share_as_json(self) -> dict[str, Any]:
        """Of a mean of zeros and ones."""
        return {
            "value": self.value,
            "interval": self.interval(0.0, 1.0),
            "labels": self.count,
            "effective": self.effective,
        }

    def loss_as_json(self) -> dict[str, Any]:
        """Of a mean that has no upper end."""
        return {**self.share_as_json(), "interval": self.interval()}
