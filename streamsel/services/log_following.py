"""Folds that are kept in memory alone: each follows its log from the beginning, and never leaves it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from streamsel.ports import Clock, LogReader, SourceUnavailable
from streamsel.review.refusals import LabelLogUnreachable

_LARGEST_READ = 500
_READ_SECONDS = 1.0
_SLICE_SECONDS = 0.004
"""How long it may hold the event loop; one more record may come on top."""
_OUTAGE_SECONDS = 1.0


class LogFollower:
    """Hands every record on, in order and with its offset; ``run`` until cancelled."""

    def __init__(
        self,
        log: LogReader,
        take: Callable[[int, bytes], None],
        clock: Clock,
        *,
        outage: str,
        free: asyncio.Lock | None = None,
        behind: Callable[[], None] = lambda: None,
    ) -> None:
        """``outage`` names the log line of one. Records are taken while ``free`` is held; ``behind`` is
        called when those that were read together have been."""
        self.position = 0
        """The offset of the next record."""
        self._source = log
        self._take = take
        self._clock = clock
        self._outage = outage
        self._free = free or asyncio.Lock()
        self._behind = behind
        self._moved = asyncio.Event()
        self._log = structlog.get_logger()

    async def reached(self, position: int) -> None:
        """Returns once every record before ``position`` is taken."""
        while self.position < position:
            await self._moved.wait()

    async def run(self) -> None:
        """Follows the log, waiting out outages."""
        while True:
            await self.patiently(self.read)

    async def patiently(self, step: Callable[[], Awaitable[None]]) -> None:
        """Until it can be done; an outage is told once."""
        told = False
        while True:
            try:
                return await step()
            except (LabelLogUnreachable, SourceUnavailable) as error:
                if not told:
                    self._log.warning(self._outage, offset=self.position, error=str(error))
                told = True
                await asyncio.sleep(_OUTAGE_SECONDS)

    async def read(self) -> None:
        """What is there now, at most; waits a little for the first record. Raises ``LabelLogUnreachable`` or
        ``SourceUnavailable``."""
        records = await self._source.read(self.position, _LARGEST_READ, _READ_SECONDS)
        began = self._clock.monotonic()
        async with self._free:
            for offset, content in records:
                self._take(offset, content)
                self.position = offset + 1
                if self._clock.monotonic() - began >= _SLICE_SECONDS:
                    await asyncio.sleep(0)
                    began = self._clock.monotonic()
        # A log that has the next records at hand does not wait for them.
        await asyncio.sleep(0)
        if records:
            self._behind()
            self._moved.set()
            self._moved = asyncio.Event()
