"""Events with a known truth: small transactions whose fraud a model can learn."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson

LEGIT, FRAUD = "legit", "fraud"


def transaction(number: int, run: str = "tx") -> bytes:
    """Event ``number`` of a run, always the same."""
    rng = Random(f"{run}-{number}")
    event = {
        "id": f"{run}-{number:06d}",
        "amount": round(rng.lognormvariate(3.5, 1.0), 2),
        "country": rng.choice(["DE", "FR", "PT"]),
        "night": rng.random() < 0.2,
        "risk": round(rng.random(), 4),
    }
    return orjson.dumps(event)


def truth(query: dict[str, Any]) -> str:
    """What a reviewer sees in it."""
    features = query["features"]
    return FRAUD if features["risk"] * features["amount"] > 30.0 else LEGIT


LABELS = {"names": [LEGIT, FRAUD]}
