"""The preset ``tree``, from bytes to decisions, beside a bare loop over River's own predict.

The loop parses an event, asks River, compares with a threshold and encodes a decision.
To be run as a process of its own; times are the thread's own, the least of some rounds.
"""

from __future__ import annotations

import json
import sys
from random import Random

import orjson
from river import tree

from loadtest.events import FEATURES, transaction
from loadtest.growth.deciding import MODEL_LABELS, model
from loadtest.peers.work import is_unsure
from loadtest.thread_time import least


def main(events: str) -> None:
    """Prints µs an event of both, after the same labels."""
    random = Random(1)
    drawn = [transaction(random, number) for number in range(int(events) + MODEL_LABELS)]
    rows = [({name: event[name] for name in FEATURES}, label) for event, label in drawn]
    # As the preset's is set up.
    river = tree.HoeffdingAdaptiveTreeClassifier(
        grace_period=50, delta=1e-3, bootstrap_sampling=False, max_depth=50, seed=1
    )
    for features, label in rows[:MODEL_LABELS]:
        river.learn_one(features, label)
    payloads = [
        orjson.dumps({"id": str(number), **features})
        for number, (features, _) in enumerate(rows[MODEL_LABELS:])
    ]

    def bare(payload: bytes) -> bytes:
        event = orjson.loads(payload)
        event_id, probability = event.pop("id"), river.predict_proba_one(event).get("fraud", 0.0)
        return orjson.dumps({"id": event_id, "probability": probability, "ask": is_unsure(probability)})

    seconds = least(lambda: list(map(bare, payloads)))
    print(json.dumps({"us": model("tree", int(events)), "bare_us": seconds / len(payloads) * 1e6}))


if __name__ == "__main__":
    main(*sys.argv[1:])
