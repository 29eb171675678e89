"""What may be told of a query before it is answered, so that nothing sways or slackens the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from streamsel.records import DRAWN, Lane, Query


def is_hidden(query: Query) -> bool:
    """Whether what the model thinks of it is kept from whoever may answer it."""
    return query.lane in DRAWN


def lane_shown(query: Query) -> Lane:
    """Of what is drawn at random nobody is to tell what teaches the model from what only judges it."""
    return "explore" if query.lane == "holdout" else query.lane


def counts_shown(by_lane: Mapping[str, int]) -> dict[str, int]:
    """Counts of queries by lane, those held out among the explored."""
    counts = Counter({lane: count for lane, count in by_lane.items() if lane != "holdout"})
    if "holdout" in by_lane:
        counts["explore"] += by_lane["holdout"]
    return dict(counts)
