"""Where records go on Redis streams: decisions, dead letters, and events that came over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
import xxhash
from redis.exceptions import ResponseError

from streamsel.adapters.record_sizes import check_sizes
from streamsel.adapters.redis_streams import (
    Entry,
    RedisStreams,
    answering,
    command,
    id_at,
    offset_of,
)
from streamsel.codec.trace_context import HEADER
from streamsel.ports import OutgoingDecisions, SourceUnavailable
from streamsel.records import Source

log = structlog.get_logger()

_RETRY_SECONDS = 0.5
_CHUNK = 5_000


class _Unwritten(Exception):
    """Not known to be written; to be tried again."""


class RedisDecisionSink:
    """Decisions by partition, each under the offset of its event; so the server keeps one for each event.

    While the server is away, what was handed over is tried again and again, in order. A decision for an
    event that has one already is left out; if it differs, another selector has read our partition, and
    the delivery fails: read the partition again, and find its decisions ``recorded``. The last
    ``keep_decisions`` of each partition are kept, roughly.
    """

    def __init__(self, streams: RedisStreams, *, keep_decisions: int = 1_000_000) -> None:
        self._streams = streams
        self._client = streams.client()
        self._keep = ("MAXLEN", "~", keep_decisions)
        self._last: asyncio.Task[None] | None = None
        self._closed = False

    async def send(self, decisions: Sequence[OutgoingDecisions]) -> Awaitable[None]:
        """See ``DecisionSink``."""
        for share in decisions:
            check_sizes(self._streams.decisions(share.partition), share.values)
        self._last = asyncio.create_task(self._write_after(self._last, decisions))
        return self._last

    async def recorded(self, partition: int, since: int) -> Mapping[int, bytes]:
        """See ``DecisionSink``. What this sink still has under way is waited for, so that it is found too."""
        if self._last is not None:
            await asyncio.wait([self._last])
        found: dict[int, bytes] = {}
        key = self._streams.decisions(partition)
        while True:
            async with answering(SourceUnavailable, f"reading {key}"):
                chunk: list[Entry] = await command(
                    self._client, "XRANGE", key, id_at(since), "+", "COUNT", _CHUNK
                )
            found.update((offset_of(name), fields[1]) for name, fields in chunk)
            if len(chunk) < _CHUNK:
                return found
            since = offset_of(chunk[-1][0]) + 1

    async def close(self) -> None:
        """Waits for no server that is away."""
        self._closed = True
        if self._last is not None:
            await asyncio.wait([self._last], timeout=2 * _RETRY_SECONDS)
            self._last.cancel()
            with suppress(asyncio.CancelledError, SourceUnavailable):
                await self._last
        await self._client.aclose()

    async def _write_after(
        self, previous: asyncio.Task[None] | None, decisions: Sequence[OutgoingDecisions]
    ) -> None:
        if previous is not None:
            await asyncio.wait([previous])
        while True:
            try:
                async with answering(_Unwritten, "writing decisions"):
                    await self._write(decisions)
            except _Unwritten as error:
                log.warning("decisions_not_written", prefix=self._streams.prefix, error=str(error))
                if self._closed:
                    raise SourceUnavailable(str(error)) from error
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def _write(self, decisions: Sequence[OutgoingDecisions]) -> None:
        # All or none, for a decision left out could not be put in before a later one any more.
        pipeline = self._client.pipeline(transaction=True)
        records = [
            (self._streams.decisions(share.partition), id_at(offset), value)
            for share in decisions
            for offset, value in zip(share.offsets, share.values, strict=True)
        ]
        for key, name, value in records:
            pipeline.execute_command("XADD", key, *self._keep, name, "v", value)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        for record, reply in zip(records, replies, strict=True):
            if isinstance(reply, ResponseError):
                await self._check_recorded(*record, reply)

    async def _check_recorded(self, key: str, name: str, value: bytes, error: ResponseError) -> None:
        """Passes over what the stream has already; raises what else the server had against it."""
        if "equal or smaller" not in str(error):
            raise error
        standing: list[Entry] = await command(self._client, "XRANGE", key, name, name)
        if standing and standing[0][1][1] != value:
            raise SourceUnavailable(f"{key} has another decision for {name}, by another selector")


class RedisDeadLetterSink:
    """Dead letters; of these the last ``keep_letters`` are kept, roughly."""

    def __init__(self, streams: RedisStreams, *, keep_letters: int = 100_000) -> None:
        self._key = streams.dead_letters
        self._client = streams.client()
        self._keep = ("MAXLEN", "~", keep_letters)

    async def send(self, letters: Sequence[bytes]) -> None:
        """See ``DeadLetterSink``."""
        check_sizes(self._key, letters)
        async with answering(SourceUnavailable, f"appending to {self._key}"):
            pipeline = self._client.pipeline(transaction=False)
            for letter in letters:
                pipeline.execute_command("XADD", self._key, *self._keep, "0-*", "v", letter)
            await pipeline.execute()

    async def close(self) -> None:
        await self._client.aclose()


class RedisEventIntake:
    """Events, each to the partition its bytes hash to, so that one sent twice stays in its place."""

    def __init__(self, streams: RedisStreams, partitions: int) -> None:
        self._streams = streams
        self._partitions = partitions
        self._client = streams.client()

    async def append(self, values: Sequence[bytes], traceparent: str | None = None) -> Sequence[Source]:
        """See ``EventIntake``. A field of the entry beside the event's has its trace."""
        check_sizes(self._streams.topic, values)
        trace = () if traceparent is None else (HEADER, traceparent)
        partitions = [xxhash.xxh3_64_intdigest(value) % self._partitions for value in values]
        async with answering(SourceUnavailable, f"appending to {self._streams.topic}"):
            pipeline = self._client.pipeline(transaction=False)
            for partition, value in zip(partitions, values, strict=True):
                pipeline.execute_command("XADD", self._streams.events(partition), "0-*", "v", value, *trace)
            names: list[bytes] = await pipeline.execute()
        topic = self._streams.topic
        return [
            Source(topic, partition, offset_of(name))
            for partition, name in zip(partitions, names, strict=True)
        ]

    async def close(self) -> None:
        await self._client.aclose()
