"""What River, called event by event, says of the events: what every decision must agree with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from loadtest.bench import LABELS
from loadtest.events import DISTINCT, labelled, payloads
from loadtest.peers.work import trained
from streamsel.learning.presets import build
from streamsel.learning.spec import ModelSpec


def river(labels: int, events: int) -> NDArray[np.float64]:
    """The probability of fraud by the peers' model after so many labels. Shape (events,)."""
    model = trained(labels)
    return _probabilities(events, lambda event: float(model.predict_proba_one(event)[True]))


def ours(labels: int, events: int) -> NDArray[np.float64]:
    """By our ``logistic`` preset after the same labels; its learning rate and intercept are not River's."""
    model = build(ModelSpec(LABELS))
    for event, label in labelled(labels):
        del event["id"]
        model.learn_one(dict(sorted(event.items())), label)  # type: ignore[arg-type]
    return _probabilities(events, lambda event: model.predict_proba_one(event)["fraud"])


def _probabilities(events: int, of_event: Callable[[dict[str, Any]], float]) -> NDArray[np.float64]:
    found = np.empty(min(events, DISTINCT))
    for number, payload in enumerate(payloads(len(found))):
        event = orjson.loads(payload)
        del event["id"]
        found[number] = of_event(event)
    return np.resize(found, events)  # values are the same again after so many
