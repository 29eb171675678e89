"""The desk's settings as its script takes them."""

from __future__ import annotations

import orjson

from streamsel.review.routing import Routing
from streamsel.review.settings import DeskSettings


def settings_json(settings: DeskSettings, routing: Routing, epoch: int = 1) -> bytes:
    """Durations in microseconds; 0 for a limit that there is not."""
    return orjson.dumps(
        {
            "lease": micros(settings.lease_seconds),
            "expire": micros(settings.expire_seconds),
            "recording": micros(settings.recording_seconds),
            "attempts": settings.attempts,
            "retain": micros(settings.retain_seconds),
            "window": micros(settings.window_seconds),
            "skips": settings.skips,
            "held": settings.most_held,
            "sensitive": settings.most_sensitive or 0,
            "work": micros(settings.work_seconds or 0.0),
            "rest": micros(settings.break_seconds),
            "gold": settings.gold_share,
            "settled": settled_field(epoch),
            "order": [queue.name for queue in routing.queues],
            "queues": {
                queue.name: {"to": queue.escalates_to, "sla": micros(queue.sla_seconds or 0.0)}
                for queue in routing.queues
            },
        }
    )


def settled_field(epoch: int) -> str:
    """Under which the position in the label log of this epoch stands: a number means nothing in another."""
    return "settled" if epoch == 1 else f"settled:{epoch}"


def micros(seconds: float) -> int:
    """In the unit of the store's clock."""
    return round(seconds * 1e6)
