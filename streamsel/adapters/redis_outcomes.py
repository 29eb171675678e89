"""Outcomes on a Redis stream."""

from __future__ import annotations

from dataclasses import dataclass

from streamsel.adapters.redis_streams import RedisStreams


@dataclass(frozen=True, slots=True)
class OutcomeStreams(RedisStreams):
    """As ``RedisStreams``, with outcomes for events: what reads and writes these does the same for those."""

    @property
    def topic(self) -> str:
        """What outcomes say they came from."""
        return f"{self.prefix}:outcomes"

    def events(self, partition: int) -> str:
        return self.key(f"outcomes:{partition}")
