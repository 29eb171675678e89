"""How good a model's predictions were, each judged before its label was learned."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping


class Prequential:
    """Accuracy of test-then-train predictions, over all and over the last ``window``. No prediction is a
    wrong one. (A. P. Dawid, Present Position and Potential Developments: The Prequential Approach, 1984.)"""

    def __init__(self, window: int = 500) -> None:
        self.count = 0
        self._right = 0
        self._recent: deque[bool] = deque(maxlen=window)

    def add(self, label: str, probabilities: Mapping[str, float]) -> None:
        """The truth about one event and what had been predicted; of equals the first is the prediction."""
        right = bool(probabilities) and max(probabilities, key=probabilities.__getitem__) == label
        self.count += 1
        self._right += right
        self._recent.append(right)

    @property
    def accuracy(self) -> float:
        """Share of right predictions so far; NaN before the first."""
        return self._right / self.count if self.count else float("nan")

    @property
    def recent_accuracy(self) -> float:
        """The same over the window."""
        return sum(self._recent) / len(self._recent) if self._recent else float("nan")
