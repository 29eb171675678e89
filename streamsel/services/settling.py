"""Keeps the desk's store true to the label log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence

import structlog

from streamsel.codec import Unreadable, decode_log_record
from streamsel.ports import Answer, LabelLog, Retracted, ReviewQueue, TopicRefused
from streamsel.records import LogRecord
from streamsel.review.refusals import LabelLogUnreachable
from streamsel.services.answers import word_of

_RECORDS_A_READ = 500
_READ_SECONDS = 1.0
"""A read of the log waits so long for a new record."""
_KNOWN_RECORD_SECONDS = 5.0
"""And so long for one that is known to be there."""

Judge = Callable[[Sequence[LogRecord], int], Awaitable[None]]
"""Given records of the log and the offset after them, before the log is settled beyond them."""


class Settler:
    """Tells the store what the label log says. All may be repeated, by any number of desks at once.

    Its methods raise ``LabelLogUnreachable``, ``SourceUnavailable`` or ``DeskUnreachable``, and
    ``TopicRefused`` when the log is not the one the store knows.
    """

    def __init__(self, queue: ReviewQueue, log: LabelLog, judge: Judge) -> None:
        self.log_settled_at = 0.0
        """A time of the store's; what had reached the log by then is settled. 0 before the first."""
        self._queue = queue
        self._label_log = log
        self._judge = judge
        self._log = structlog.get_logger()

    async def look(self, *, from_start: bool = False) -> None:
        """Tells what the log holds now and is not settled yet, or all it holds; leaves it to ``catch_up`` to
        say that it is settled."""
        position, end, _ = await self._span()
        async for records in self._records(0 if from_start else position, end):
            await self._queue.settle(_words(self._decoded(records)))

    async def catch_up(self) -> int:
        """Settles all that the log holds now; returns its end."""
        position, end, at = await self._span()
        async for records in self._records(position, end):
            await self._settle(records)
        self.log_settled_at = at
        return end

    async def follow(self, position: int) -> None:
        """Settles records from ``position`` on; waits a while for the first one."""
        if records := await self._label_log.read(position, _RECORDS_A_READ, _READ_SECONDS):
            await self._settle(records)

    async def _span(self) -> tuple[int, int, float]:
        """How far the log is settled, where it ends, and a time of the store's before that was read."""
        settled = await self._queue.settled()
        end = await self._label_log.end()
        if settled.position > end:
            raise TopicRefused(
                f"the label log ends at offset {end}, but the desk's store has settled it up to "
                f"{settled.position}: they do not belong together"
            )
        return settled.position, end, settled.at

    async def _records(self, position: int, end: int) -> AsyncIterator[Sequence[tuple[int, bytes]]]:
        while position < end:
            records = await self._label_log.read(position, _RECORDS_A_READ, _KNOWN_RECORD_SECONDS)
            if not records:
                raise LabelLogUnreachable(f"nothing at offset {position} of a log that ends at {end}")
            yield records
            position = records[-1][0] + 1

    async def _settle(self, records: Sequence[tuple[int, bytes]]) -> None:
        decoded = list(self._decoded(records))
        position = records[-1][0] + 1
        await self._judge([record for _, record in decoded], position)
        await self._queue.settle(_words(decoded), position)

    def _decoded(self, records: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, LogRecord]]:
        for offset, content in records:
            try:
                yield offset, decode_log_record(content)
            except Unreadable as error:
                self._log.warning("label_log_record_unreadable", offset=offset, error=str(error))


def _words(records: Iterable[tuple[int, LogRecord]]) -> list[Answer | Retracted]:
    words = (word_of(record, offset) for offset, record in records)
    return [word for word in words if word is not None]
