"""Events from Redis streams, as a member of a group that shares the partitions by leases."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, NamedTuple

import structlog
from redis.asyncio import Redis

from streamsel.adapters.poll_gate import PollGate
from streamsel.adapters.redis_streams import (
    Entry,
    RedisStreams,
    answering,
    command,
    id_before,
    offset_of,
)
from streamsel.ports import RebalanceListener, SourceRecord, SourceUnavailable
from streamsel.records import Partition
from streamsel.services.ending import end

log = structlog.get_logger()

_SCRIPT = resources.files("streamsel.adapters").joinpath("redis_streams_group.lua").read_text()
_RENEWALS_IN_A_LEASE = 4


class StreamRecord(NamedTuple):
    """One event as read; see ``SourceRecord``."""

    topic: str
    partition: int
    offset: int
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class _Grant:
    """What the group says this member owns: partition to token and position; and how many it should."""

    share: int
    tokens: Mapping[int, bytes]
    positions: Mapping[int, int]


class RedisEventSource:
    """One member of the group ``group``; commits only what it is told to.

    Partitions are owned under leases by the server's clock: a member that dies loses its partitions
    ``lease_seconds`` later, and a commit by a member that has lost a partition changes nothing. Of the
    committed events the last ``keep_events`` of each partition are kept, roughly; an event not yet
    committed is never trimmed.

    The listener is called from a task of this source, never from within ``poll``.
    """

    def __init__(
        self,
        streams: RedisStreams,
        partitions: int,
        group: str = "streamsel",
        *,
        lease_seconds: float = 3.0,
        keep_events: int = 100_000,
    ) -> None:
        self._streams = streams
        self._lease_ms = int(lease_seconds * 1000)
        self._keep_events = keep_events
        names = ("members", "owners", "positions", "token")
        self._keys = [
            *(streams.key(f"group:{group}:{name}") for name in names),
            *(streams.events(partition) for partition in range(partitions)),
        ]
        self._client: Redis | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: RebalanceListener

    async def start(self, listener: RebalanceListener) -> None:
        """Joins the group. Raises ``SourceUnavailable``. May be called again after ``stop``."""
        self._listener = listener
        self._client = self._streams.client()
        self._script = self._client.register_script(_SCRIPT)
        self._member = secrets.token_hex(8)
        self._gate = PollGate()
        self._tokens: dict[int, bytes] = {}
        self._positions: dict[int, int] = {}
        self._grant = await self._renew()
        self._granted = asyncio.Event()
        self._granted.set()
        self._tasks = [asyncio.create_task(self._keep_renewing()), asyncio.create_task(self._follow_grants())]

    async def poll(
        self, max_records: int, wait_seconds: float
    ) -> Sequence[tuple[Partition, Sequence[SourceRecord]]]:
        """See ``EventSource``."""
        return await self._gate.poll(wait_seconds, lambda: self._read(max_records, wait_seconds)) or ()

    async def commit(self, positions: Mapping[Partition, int]) -> None:
        """See ``EventSource``. The group refuses it from a member that has lost the partition."""
        arguments = [
            argument
            for place, offset in positions.items()
            if place.partition in self._tokens
            for argument in (place.partition, self._tokens[place.partition], offset)
        ]
        if arguments:
            moved = await self._call("commit", self._keep_events, *arguments)
            if moved * 3 < len(arguments):
                log.info("commit_fenced", topic=self._streams.topic, positions=str(dict(positions)))

    async def lag(self) -> int:
        """See ``EventSource``."""
        positions = dict(self._positions)
        async with answering(SourceUnavailable, f"measuring the lag of {self._streams.topic}"):
            pipeline = self._connected().pipeline(transaction=False)
            for partition in positions:
                pipeline.execute_command("XREVRANGE", self._streams.events(partition), "+", "-", "COUNT", 1)
            lasts: list[list[Entry]] = await pipeline.execute()
        ends = (offset_of(last[0][0]) + 1 if last else 0 for last in lasts)
        return sum(max(0, end - position) for end, position in zip(ends, positions.values(), strict=True))

    async def stop(self) -> None:
        """Leaves the group at once, so that others need not wait for the lease to end."""
        await end(*self._tasks)
        self._tasks = []
        if self._client is not None:
            try:
                await self._call("leave")
            except SourceUnavailable as error:
                log.warning("group_not_left", topic=self._streams.topic, error=str(error))
            await self._client.aclose()
            self._client = None

    async def _read(
        self, max_records: int, wait_seconds: float
    ) -> Sequence[tuple[Partition, Sequence[SourceRecord]]]:
        positions = dict(list(self._positions.items())[:max_records])
        if not positions:
            await asyncio.sleep(wait_seconds)
            return ()
        block = ("BLOCK", max(1, int(wait_seconds * 1000))) if wait_seconds > 0 else ()
        keys = [self._streams.events(partition) for partition in positions]
        starts = [id_before(position) for position in positions.values()]
        count = max_records // len(positions)
        async with answering(SourceUnavailable, f"reading {self._streams.topic}", wait_seconds):
            replies: list[tuple[bytes, list[Entry]]] = await command(
                self._connected(), "XREAD", "COUNT", count, *block, "STREAMS", *keys, *starts
            )
        topic = self._streams.topic
        read: list[tuple[Partition, Sequence[SourceRecord]]] = []
        for key, entries in replies:
            partition = int(key.rsplit(b":", 1)[1])
            if not self._gate.is_open or self._positions.get(partition) != positions[partition]:
                continue  # it changed hands while the reply was on its way
            records = [
                StreamRecord(topic, partition, offset_of(name), fields[1], _beside(fields))
                for name, fields in entries
            ]
            # Read last next time, so that a busy partition does not keep the others waiting.
            del self._positions[partition]
            self._positions[partition] = records[-1].offset + 1
            read.append((Partition(topic, partition), records))
        return read

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(self._lease_ms / 1000 / _RENEWALS_IN_A_LEASE)
            try:
                self._grant = await self._renew()
                self._granted.set()
            except SourceUnavailable as error:
                log.warning("lease_not_renewed", topic=self._streams.topic, error=str(error))

    async def _follow_grants(self) -> None:
        """Brings what the listener owns in line with what the group has granted."""
        try:
            while True:
                await self._granted.wait()
                self._granted.clear()
                grant = self._grant
                lost = [p for p, token in self._tokens.items() if grant.tokens.get(p) != token]
                kept = sorted(grant.tokens, key=lambda p: (p not in self._tokens, p))
                surplus = kept[grant.share :]
                await self._give_up(lost, [p for p in surplus if p in self._tokens and p not in lost])
                await self._release({p: grant.tokens[p] for p in surplus})
                await self._take_over([p for p in kept[: grant.share] if p not in self._tokens], grant)
                self._gate.open()
        except Exception as error:
            log.exception("rebalance_failed", topic=self._streams.topic)
            self._gate.fail(error)

    async def _give_up(self, lost: list[int], surplus: list[int]) -> None:
        """Has the listener finish with them; those lost belong to another member already."""
        if lost or surplus:
            self._gate.close()
            for partition in (*lost, *surplus):
                self._positions.pop(partition, None)
            await self._listener.on_revoked([self._place(p) for p in (*lost, *surplus)])
            for partition in (*lost, *surplus):
                del self._tokens[partition]

    async def _release(self, tokens: Mapping[int, bytes]) -> None:
        if tokens:
            await self._call("release", *(argument for one in tokens.items() for argument in one))

    async def _take_over(self, partitions: list[int], grant: _Grant) -> None:
        if partitions:
            self._gate.close()
            self._tokens.update((partition, grant.tokens[partition]) for partition in partitions)
            await self._listener.on_assigned({self._place(p): grant.positions[p] for p in partitions})
            self._positions.update((partition, grant.positions[partition]) for partition in partitions)

    async def _renew(self) -> _Grant:
        share, *owned = await self._call("renew", self._lease_ms)
        return _Grant(
            share,
            {partition: token for partition, token, _ in owned},
            {partition: position for partition, _, position in owned},
        )

    async def _call(self, call: str, *arguments: str | bytes | int) -> Any:
        async with answering(SourceUnavailable, f"{call} in the group of {self._streams.topic}"):
            return await self._script(keys=self._keys, args=[call, self._member, *arguments])

    def _connected(self) -> Redis:
        if self._client is None:
            raise SourceUnavailable(f"{self._streams.topic}: not started")
        return self._client

    def _place(self, partition: int) -> Partition:
        return Partition(self._streams.topic, partition)


def _beside(fields: Sequence[bytes]) -> Sequence[tuple[str, bytes]]:
    """What an entry holds beside the event, as Kafka has headers."""
    if len(fields) == 2:
        return ()
    return [(name.decode("latin-1"), value) for name, value in zip(fields[2::2], fields[3::2], strict=True)]
