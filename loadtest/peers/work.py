"""The work of every peer: parse, scaled logistic by River, a threshold, one JSON decision an event."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import orjson
from river import linear_model, preprocessing

from loadtest.events import labelled

LEAST_UNSURE, MOST_UNSURE = 0.4, 0.6
Decide: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Work:
    """What a peer is told: decide every event of one topic, once, into another, and end."""

    bootstrap_servers: str
    events_topic: str
    decisions_topic: str
    group: str
    events: int
    """As many as the topic holds, in one partition."""
    labels: int
    """To learn before the first event."""

    @staticmethod
    def given() -> Work:
        """From this process's command line."""
        return Work(**json.loads(sys.argv[1]))

    def as_argument(self) -> str:
        return json.dumps(asdict(self))


def trained(labels: int) -> Any:
    """River's logistic regression over standardised numbers."""
    model = preprocessing.StandardScaler() | linear_model.LogisticRegression()
    for event, label in labelled(labels):
        del event["id"]
        model.learn_one(dict(sorted(event.items())), label == "fraud")
    return model


def is_unsure(probability: float) -> bool:
    """Whether a peer would ask about the event."""
    return LEAST_UNSURE < probability < MOST_UNSURE


def decide_with(labels: int) -> Decide:
    """What an event comes to; takes the id out of it."""
    predict = trained(labels).predict_proba_one

    def decide(event: dict[str, Any]) -> dict[str, Any]:
        event_id = event.pop("id")
        probability = predict(event)[True]
        return {"id": event_id, "probability": probability, "ask": is_unsure(probability)}

    return decide


def decide_encoded_with(labels: int) -> Callable[[bytes], bytes]:
    """From JSON to JSON, for those who leave that to their users."""
    decide = decide_with(labels)
    return lambda payload: orjson.dumps(decide(orjson.loads(payload)))
