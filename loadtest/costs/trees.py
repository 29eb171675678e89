"""The preset ``tree``, from bytes to decisions, beside a bare loop over River's own predict.

To be run as a process of its own; times are the thread's own, the least of some rounds.
"""

from __future__ import annotations

import json
import sys
from random import Random

from river import tree

from loadtest.events import FEATURES, transaction
from loadtest.growth.deciding import MODEL_LABELS, least, model


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
    asked = [features for features, _ in rows[MODEL_LABELS:]]
    seconds = least(lambda: [river.predict_proba_one(features) for features in asked])
    print(json.dumps({"us": model("tree", int(events)), "river_us": seconds / len(asked) * 1e6}))


if __name__ == "__main__":
    main(*sys.argv[1:])
