"""One event's opinion as a distribution over the spec's labels."""

from __future__ import annotations

import math
from collections.abc import Mapping


def shares_of(opinion: Mapping[str, float], labels: tuple[str, ...]) -> list[float] | None:
    """In the order of ``labels``, summing to 1. ``None`` for an opinion that tells no two labels apart or is
    unsound: not finite, negative, or about other labels alone."""
    found = [opinion.get(label, 0.0) for label in labels]
    total = sum(found)
    if len(opinion) < 2 or not 0.0 < total < math.inf or min(found) < 0.0:
        return None
    return [share / total for share in found]
