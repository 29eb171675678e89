"""Keeps the tally of reviewers at the label log's end."""

from __future__ import annotations

import asyncio

import structlog

from streamsel.codec import Unreadable, decode_log_record
from streamsel.ports import Clock, LogReader, SourceUnavailable
from streamsel.review.quality import Tally
from streamsel.review.refusals import LabelLogUnreachable

_LARGEST_READ = 500
_READ_SECONDS = 1.0
_SLICE_SECONDS = 0.004
"""How long it may hold the event loop; one more record may come on top."""
_PROGRESS_SECONDS = 5.0
_OUTAGE_SECONDS = 1.0


class TallyFollower:
    """``run`` until cancelled. Starts at the beginning of the log: the tally is kept nowhere else."""

    def __init__(self, log: LogReader, labels: int, clock: Clock) -> None:
        """``labels`` is how many labels there are to choose from."""
        self.tally = Tally(labels)
        """At ``tally.position`` of the log; the same object throughout."""
        self._label_log = log
        self._clock = clock
        self._log = structlog.get_logger()
        self._moved = asyncio.Event()

    async def reached(self, position: int) -> None:
        """Returns once the tally has every record before ``position``."""
        while self.tally.position < position:
            await self._moved.wait()

    async def catch_up(self) -> None:
        """Reads up to the log's end as of now, with a log line now and then; goes on where it was. Raises
        ``LabelLogUnreachable`` or ``SourceUnavailable``."""
        end = await self._label_log.end()
        reported = self._clock.monotonic()
        while self.tally.position < end:
            await self._read()
            if self._clock.monotonic() - reported >= _PROGRESS_SECONDS:
                self._log.info("tallying", offset=self.tally.position, end=end)
                reported = self._clock.monotonic()

    async def run(self) -> None:
        """Follows the log; an outage is waited out, and told once."""
        caught_up = out = False
        while True:
            try:
                await (self._read() if caught_up else self.catch_up())
            except (LabelLogUnreachable, SourceUnavailable) as error:
                if not out:
                    self._log.warning("tally_outage", offset=self.tally.position, error=str(error))
                out = True
                await asyncio.sleep(_OUTAGE_SECONDS)
                continue
            if not caught_up:
                self._log.info("tallied", offset=self.tally.position, reviewers=len(self.tally.reviewers))
            caught_up, out = True, False

    async def _read(self) -> None:
        records = await self._label_log.read(self.tally.position, _LARGEST_READ, _READ_SECONDS)
        began = self._clock.monotonic()
        for _, content in records:
            try:
                record = decode_log_record(content)
            except Unreadable:
                record = None  # who learns from the log sets it aside
            self.tally.add(record)
            if self._clock.monotonic() - began >= _SLICE_SECONDS:
                await asyncio.sleep(0)
                began = self._clock.monotonic()
        # A log that has the next records at hand does not wait for them.
        await asyncio.sleep(0)
        if records:
            self._moved.set()
            self._moved = asyncio.Event()
