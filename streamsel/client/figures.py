"""The figures out of ``GET /v1/queue/live``."""

from __future__ import annotations

import json

from streamsel.client.records import QueueFigures

PATH = "/v1/queue/live"
SILENT_SECONDS = 40.0
"""A stream without so much as a heartbeat for so long is dead."""


def figures_in(line: str) -> QueueFigures | None:
    """What a line of the stream tells, if anything. An event's data is one line."""
    if not line.startswith("data:"):
        return None
    return QueueFigures.of(json.loads(line.removeprefix("data:")))
