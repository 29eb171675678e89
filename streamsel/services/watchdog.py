"""Notices a stream that stands still though there is something to do and nothing holds it up.

Clients of brokers can stall and say nothing: a fetch that never ends, a delivery that is never confirmed.
What the adapters do not notice themselves shows here. First the membership of the group begins anew; when
that moved nothing either, ``StreamStalled`` ends the process, and who supervises it starts another.
"""

from __future__ import annotations

import asyncio

import structlog

from streamsel.metrics import Metrics
from streamsel.ports import Clock, SourceUnavailable
from streamsel.services.selector import Selector

LOOK_SECONDS = 2.0
STALL_SECONDS = 20.0
"""With what else it takes, notice within 30 seconds."""


class StreamStalled(Exception):
    """Nothing was finished, though the group was joined anew."""


class Watchdog:
    """Watches one selector; ``run`` until cancelled."""

    def __init__(self, selector: Selector, clock: Clock, metrics: Metrics) -> None:
        self._selector = selector
        self._clock = clock
        self._restarts = metrics.watchdog_restarts.labels("selector")
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Raises ``StreamStalled``."""
        finished, moved_at, restarted = self._selector.finished, self._clock.monotonic(), False
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            before, finished = finished, self._selector.finished
            if finished != before:
                restarted = False
            if finished != before or not await self._stands_still():
                moved_at = self._clock.monotonic()
                continue
            seconds = self._clock.monotonic() - moved_at
            if seconds < STALL_SECONDS:
                continue
            if restarted:
                raise StreamStalled(f"nothing moved for {seconds:.0f} seconds, twice, with work at hand")
            self._log.error("stream_stalled", seconds=round(seconds))
            self._restarts.inc()
            self._selector.join_anew(f"nothing moved for {seconds:.0f} seconds")
            restarted, moved_at = True, self._clock.monotonic()

    async def _stands_still(self) -> bool:
        """Whether the broker answers, and there is something to do. A broker that is away is no stall: it is
        waited for, by who needs it."""
        if self._selector.held_up or not self._selector.joined:
            return False
        try:
            return await self._selector.waiting() + self._selector.unfinished > 0
        except SourceUnavailable:
            return False
