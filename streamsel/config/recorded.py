"""What of a configuration is recorded, for decisions and answers to refer to."""

from __future__ import annotations

from typing import Any

import streamsel
from streamsel.config.sections import Config

_OF_THE_DESK = {
    "queues",
    "skips",
    "sensitive",
    "most_sensitive",
    "work_seconds",
    "break_seconds",
    "overlap",
    "gold",
    "floor",
}


def recorded(config: Config) -> dict[str, Any]:
    """All that bears on which events are asked about, who answers by what guideline, what a model learns and
    how privacy is kept, with the version of this program. No secret, no address and nobody's name."""
    return {
        "streamsel": streamsel.__version__,
        "stream": config.stream.model_dump(mode="json", exclude={"hash_key"}),
        "labels": config.labels.model_dump(mode="json", exclude={"manifest_key"}),
        "model": config.model.model_dump(mode="json"),
        "select": config.select.model_dump(mode="json"),
        "capacity": config.capacity.model_dump(mode="json"),
        "desk": config.desk.model_dump(mode="json", include=_OF_THE_DESK),
        "oracles": config.oracles.model_dump(
            mode="json", exclude={"models": {"__all__": {"api_key", "base_url"}}}
        ),
    }
