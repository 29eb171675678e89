"""How good the predictions were: what was predicted when an event was decided, against its label.

Three ways to average over the labels, which answer different questions:

    random lane   the events drawn by the exploration draw alone, each counting once: no selection bias
    whole stream  every event with a known propensity, counting 1 / propensity times (J. Hájek)
    as labelled   every label once: biased, for the model chose most of them

All are prequential: each label judges a prediction made before anybody knew it (A. P. Dawid, Statistical
Theory: The Prequential Approach, Journal of the Royal Statistical Society A 147, 1984).
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from streamsel.experience import LEAST_PROBABILITY
from streamsel.records import Label
from streamsel.services.report.contents import MOST_NAMES
from streamsel.services.report.means import Mean

RARE = 0.05
"""A class of a smaller share of the stream is called rare."""


class Scores:
    """Accuracy and log loss over some labels."""

    def __init__(self) -> None:
        self.accuracy, self.loss = Mean(), Mean()

    def add(self, right: bool, loss: float, weight: float = 1.0) -> None:
        """One prediction."""
        self.accuracy.add(float(right), weight)
        self.loss.add(loss, weight)

    def as_json(self) -> dict[str, Any]:
        """Log loss in nats."""
        return {"accuracy": self.accuracy.share_as_json(), "log_loss": self.loss.loss_as_json()}


class Performance:
    """A fold over the labels that stand."""

    def __init__(self) -> None:
        self.random, self.whole, self.labelled = Scores(), Scores(), Scores()
        self.judged = 0
        self._segments: dict[tuple[str, str], Scores] = defaultdict(Scores)
        self._recalls: dict[str, Mean] = defaultdict(Mean)
        self._precisions: dict[str, Mean] = defaultdict(Mean)

    def add(self, label: Label) -> None:
        """One without a prediction tells nothing."""
        if not label.probabilities:
            return
        predicted = max(sorted(label.probabilities), key=lambda name: label.probabilities[name])
        right = predicted == label.label
        loss = -math.log(max(label.probabilities.get(label.label, 0.0), LEAST_PROBABILITY))
        self.judged += 1
        self.labelled.add(right, loss)
        if label.lane == "explore":
            self.random.add(right, loss)
        if label.propensity <= 0.0:
            return
        weight = 1.0 / label.propensity
        self.whole.add(right, loss, weight)
        self._recalls[label.label].add(float(right), weight)
        self._precisions[predicted].add(float(right), weight)
        for segment in label.segments.items():
            self._segments[segment].add(right, loss, weight)

    def overall(self) -> dict[str, Any]:
        """Each of the three ways, and what always naming the most frequent class would get right."""
        return {
            "judged": self.judged,
            "whole_stream": self.whole.as_json(),
            "random_lane": self.random.as_json(),
            "as_labelled": self.labelled.as_json(),
            "most_frequent_class": max(
                (one["estimated_share"] for one in self.by_class().values() if one["estimated_share"]),
                default=None,
            ),
        }

    def by_class(self) -> dict[str, dict[str, Any]]:
        """Over the whole stream: how much of a class is found, how often its prediction is right."""
        events = sum(mean.weight for mean in self._recalls.values())
        return {
            name: {
                "estimated_share": (share := self._recalls[name].weight / events if events else None),
                "rare": share is not None and share < RARE,
                "recall": self._recalls[name].share_as_json(),
                "precision": self._precisions[name].share_as_json(),
            }
            for name in sorted({*self._recalls, *self._precisions})
        }

    def by_segment(self) -> dict[str, dict[str, Any]]:
        """Over the whole stream, for the most frequent values of each segment."""
        found: dict[str, dict[str, Any]] = {}
        ordered = sorted(self._segments.items(), key=lambda one: (-one[1].accuracy.count, one[0]))
        for (name, value), scores in ordered:
            values = found.setdefault(name, {})
            if len(values) < MOST_NAMES:
                values[value] = scores.as_json()
        return dict(sorted(found.items()))
