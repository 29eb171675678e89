"""Logs on Redis streams: one stream read from any offset, and the label log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from redis.exceptions import RedisError, ResponseError

from streamsel.adapters.redis_streams import (
    LONGEST_BLOCK_SECONDS,
    Entry,
    RedisStreams,
    check_sizes,
    command,
    id_before,
    offset_of,
    redis_errors_as,
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
        deadline = asyncio.get_running_loop().time() + wait_seconds
        while True:
            remaining = deadline - asyncio.get_running_loop().time()
            with redis_errors_as(self._unreachable, f"reading {self._key}"):
                records = await self._read_once(start, max_records, min(remaining, LONGEST_BLOCK_SECONDS))
            if records or remaining <= 0:
                return records

    async def end(self) -> int:
        """The offset the next record will get."""
        with redis_errors_as(self._unreachable, f"reading the end of {self._key}"):
            last: list[Entry] = await command(self._client, "XREVRANGE", self._key, "+", "-", "COUNT", 1)
        return offset_of(last[0][0]) + 1 if last else 0

    async def close(self) -> None:
        await self._client.aclose()

    async def _read_once(self, start: int, max_records: int, wait_seconds: float) -> list[tuple[int, bytes]]:
        block = ("BLOCK", max(1, int(wait_seconds * 1000))) if wait_seconds > 0 else ()
        replies: list[tuple[bytes, list[Entry]]] = await command(
            self._client, "XREAD", "COUNT", max_records, *block, "STREAMS", self._key, id_before(start)
        )
        entries = replies[0][1] if replies else []
        return [(offset_of(name), fields[1]) for name, fields in entries]


class RedisLabelLog(RedisLogReader):
    """The label log. A record is on disk on return, by the settings ``ensure_streams`` insists on."""

    _unreachable = LabelLogUnreachable

    def __init__(self, streams: RedisStreams) -> None:
        super().__init__(streams, streams.labels)

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        """See ``LabelLog``."""
        try:
            check_sizes(self._key, records)
            pipeline = self._client.pipeline(transaction=True)
            for record in records:
                pipeline.execute_command("XADD", self._key, "0-*", "v", record)
            names: list[bytes] = await pipeline.execute()
        except (RecordTooLarge, ResponseError) as error:
            raise LabelLogRefused(f"appending to {self._key}: {error}") from error
        except (RedisError, OSError) as error:
            raise LabelLogUnreachable(f"appending to {self._key}: {error!r}") from error
        return [offset_of(name) for name in names]

    async def read(self, start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        """See ``LogReader``. Raises ``TopicRefused`` when the log does not reach ``start``."""
        records = await super().read(start, max_records, wait_seconds)
        if (records and records[0][0] != start) or (not records and await self.end() < start):
            raise TopicRefused(
                f"{self._key} ends at offset {await self.end()} and does not have {start}:"
                " records were deleted, or the stream was made anew"
            )
        return records
