"""Keeps the tally of reviewers at the label log's end."""

from __future__ import annotations

import structlog

from streamsel.codec import Unreadable, decode_log_record
from streamsel.ports import Clock, LogReader
from streamsel.review.quality import Tally
from streamsel.services.log_following import LogFollower

_PROGRESS_SECONDS = 5.0


class TallyFollower:
    """``run`` until cancelled. Starts at the beginning of the log: the tally is kept nowhere else."""

    def __init__(self, log: LogReader, labels: int, clock: Clock) -> None:
        """``labels`` is how many labels there are to choose from."""
        self.tally = Tally(labels)
        """At ``tally.position`` of the log; the same object throughout."""
        self._label_log = log
        self._clock = clock
        self._follower = LogFollower(log, self._take, clock, outage="tally_outage")
        self._log = structlog.get_logger()

    async def reached(self, position: int) -> None:
        """Returns once the tally has every record before ``position``."""
        await self._follower.reached(position)

    async def catch_up(self) -> None:
        """Reads up to the log's end as of now, with a log line now and then; goes on where it was. Raises
        ``LabelLogUnreachable`` or ``SourceUnavailable``."""
        end = await self._label_log.end()
        reported = self._clock.monotonic()
        while self.tally.position < end:
            await self._follower.read()
            if self._clock.monotonic() - reported >= _PROGRESS_SECONDS:
                self._log.info("tallying", offset=self.tally.position, end=end)
                reported = self._clock.monotonic()

    async def run(self) -> None:
        """Follows the log; an outage is waited out, and told once."""
        await self._follower.patiently(self.catch_up)
        self._log.info("tallied", offset=self.tally.position, reviewers=len(self.tally.reviewers))
        await self._follower.run()

    def _take(self, _: int, content: bytes) -> None:
        try:
            record = decode_log_record(content)
        except Unreadable:
            record = None  # who learns from the log sets it aside
        self.tally.add(record)
