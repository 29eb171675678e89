"""Reads the audit log: all of it to verify it, or its end to look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from streamsel.ports import AuditLog, SourceUnavailable
from streamsel.review.audit import Entry, NotAnEntry, Verdict, Verifier, decode

RECORDS_A_READ = 2_000
_READ_SECONDS = 5.0


async def records(log: AuditLog, start: int, stop: int) -> AsyncIterator[tuple[int, bytes]]:
    """Those at offsets from ``start`` up to ``stop``, which must be there."""
    while start < stop:
        some = await log.read(start, min(RECORDS_A_READ, stop - start), _READ_SECONDS)
        if not some:
            raise SourceUnavailable(f"nothing at offset {start} of an audit log that reaches to {stop}")
        for record in some:
            yield record
        start = some[-1][0] + 1


async def verify(log: AuditLog) -> Verdict:
    """What all that is in the log now comes to. Raises ``TopicRefused`` when its start was deleted."""
    verifier = Verifier()
    async for offset, content in records(log, 0, await log.end()):
        verifier.add(offset, content)
    return verifier.verdict()


async def latest(log: AuditLog, count: int) -> Sequence[Entry]:
    """The last ``count`` records, as far as they are entries, oldest first."""
    end = await log.end()
    return [entry async for entry in entries(log, max(0, end - count), end)]


async def entries(log: AuditLog, start: int, stop: int) -> AsyncIterator[Entry]:
    """As ``records``, without what is no entry; that is for ``verify`` to tell."""
    async for _, content in records(log, start, stop):
        try:
            yield decode(content)
        except NotAnEntry:
            continue
