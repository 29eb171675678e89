"""Logs on Redis streams: one stream read from any offset, the audit log, and the label log."""

from __future__ import annotations

from collections.abc import Sequence

from redis.exceptions import ResponseError

from streamsel.adapters.record_sizes import check_sizes
from streamsel.adapters.redis_streams import (
    Entry,
    RedisStreams,
    answering,
    command,
    id_before,
    offset_of,
)
from streamsel.ports import RecordTooLarge, SourceUnavailable, TopicRefused
from streamsel.review.refusals import LabelLogRefused, LabelLogUnreachable


class RedisLogReader:
    """Reads one stream, named by its key; every read that waits has its own connection meanwhile."""

    _unreachable: type[Exception] = SourceUnavailable

    def __init__(self, streams: RedisStreams, key: str) -> None:
        self._key = key
        self._client = streams.client()

    async def read(self, start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        """See ``LogReader``."""
        block = ("BLOCK", max(1, int(wait_seconds * 1000))) if wait_seconds > 0 else ()
        async with answering(self._unreachable, f"reading {self._key}", wait_seconds):
            replies: list[tuple[bytes, list[Entry]]] = await command(
                self._client, "XREAD", "COUNT", max_records, *block, "STREAMS", self._key, id_before(start)
            )
        entries = replies[0][1] if replies else []
        return [(offset_of(name), fields[1]) for name, fields in entries]

    async def beginning(self) -> int:
        """See ``LogReader``."""
        async with answering(self._unreachable, f"reading the beginning of {self._key}"):
            first: list[Entry] = await command(self._client, "XRANGE", self._key, "-", "+", "COUNT", 1)
        return offset_of(first[0][0]) if first else await self.end()

    async def end(self) -> int:
        """The offset the next record will get."""
        async with answering(self._unreachable, f"reading the end of {self._key}"):
            last: list[Entry] = await command(self._client, "XREVRANGE", self._key, "+", "-", "COUNT", 1)
        return offset_of(last[0][0]) + 1 if last else 0

    async def close(self) -> None:
        await self._client.aclose()


class RedisKeptLog(RedisLogReader):
    """A log that is kept for ever, such as the audit log. A record is on disk on return, by the settings
    ``ensure_streams`` insists on."""

    _refused: type[Exception] = SourceUnavailable

    def __init__(self, streams: RedisStreams, key: str, *, whole: bool = True) -> None:
        """``whole``: a reader must not miss any record, so one that was deleted is told."""
        super().__init__(streams, key)
        self._whole = whole

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        """See ``AuditLog``."""
        check_sizes(self._key, records)
        # A transaction: what the server refuses, it refuses as a whole.
        pipeline = self._client.pipeline(transaction=True)
        for record in records:
            pipeline.execute_command("XADD", self._key, "0-*", "v", record)
        async with answering(self._unreachable, f"appending to {self._key}"):
            try:
                names: list[bytes] = await pipeline.execute()
            except ResponseError as error:
                raise self._refused(f"appending to {self._key}: {error}") from error
        return [offset_of(name) for name in names]

    async def read(self, start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        """See ``LogReader``. Raises ``TopicRefused`` when a log that is to be whole lacks ``start``."""
        records = await super().read(start, max_records, wait_seconds)
        if not self._whole:
            return records
        if (records and records[0][0] != start) or (not records and await self.end() < start):
            raise TopicRefused(
                f"{self._key} ends at offset {await self.end()} and does not have {start}:"
                " records were deleted, or the stream was made anew"
            )
        return records


class RedisLabelLog(RedisKeptLog):
    """The label log of one epoch."""

    _unreachable = LabelLogUnreachable
    _refused = LabelLogRefused

    def __init__(self, streams: RedisStreams, epoch: int = 1) -> None:
        super().__init__(streams, streams.labels_of(epoch))

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        """See ``LabelLog``."""
        try:
            return await super().append(records)
        except RecordTooLarge as error:
            raise LabelLogRefused(str(error)) from error
