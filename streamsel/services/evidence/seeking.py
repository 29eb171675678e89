"""Finding a moment in a log whose records come in about the order of their times, without reading it all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from streamsel.codec import Unreadable
from streamsel.ports import LogReader, SourceUnavailable
from streamsel.review.audit import NotAnEntry

_RECORDS_A_READ = 500
_READ_SECONDS = 5.0
"""For records that are known to be there."""


async def since(
    log: LogReader, time_of: Callable[[bytes], float], at: float
) -> AsyncIterator[tuple[int, bytes]]:
    """Offsets and records, from the first that is of ``at`` or later on, to the log's end as of now.

    Found by bisection, so in some thirty reads of one record at most. Where times go back, as when a
    partition changes hands between clocks that differ, it may begin later or sooner. Raises
    ``SourceUnavailable``.
    """
    low, end = await log.beginning(), await log.end()
    high = end
    while low < high:
        middle = (low + high) // 2
        if await _time_at(log, middle, time_of) < at:
            low = middle + 1
        else:
            high = middle
    while low < end:
        for offset, content in await _read(log, low, min(_RECORDS_A_READ, end - low)):
            yield offset, content
            low = offset + 1


async def _time_at(log: LogReader, offset: int, time_of: Callable[[bytes], float]) -> float:
    """Of the record at an offset; of one that can't be read, minus infinity."""
    ((_, content), *_) = await _read(log, offset, 1)
    try:
        return time_of(content)
    except (Unreadable, NotAnEntry):
        return float("-inf")


async def _read(log: LogReader, start: int, count: int) -> list[tuple[int, bytes]]:
    read = await log.read(start, count, _READ_SECONDS)
    if not read:
        raise SourceUnavailable(f"nothing came from offset {start} of a log that reaches further")
    return list(read)
