"""Streams put through the sampler."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from river import base, linear_model, preprocessing

from streamsel.selection import Choice, Sampler

BUDGET = 0.2


def scaled_logistic() -> base.Classifier:
    """A pipeline, as River's users write it."""
    return preprocessing.StandardScaler() | linear_model.LogisticRegression()


def sampled(sampler: Sampler, events: Iterable[tuple[dict[str, Any], Any]]) -> list[Choice]:
    """Decides every event and learns those asked about at once."""
    choices = []
    for x, y in events:
        choices.append(sampler.decide_one(x))
        if choices[-1].ask:
            sampler.learn_one(x, y, choices[-1])
    return choices


class Mute(base.Classifier):  # type: ignore[misc]
    """Never has an opinion."""

    def learn_one(self, x: Any, y: Any) -> None:
        """Learns nothing."""

    def predict_proba_one(self, x: Any) -> dict[Any, float]:
        """Nothing."""
        del x
        return {}
