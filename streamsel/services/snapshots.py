"""Takes snapshots now and then, and finds the newest one that is good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import structlog

from streamsel.learning.course import InForce
from streamsel.learning.fold import Fold
from streamsel.learning.snapshots import (
    Header,
    Snapshot,
    SnapshotRefused,
    Taken,
    check,
    log_id,
    opened,
    restored,
    sealed,
    take,
)
from streamsel.metrics import Metrics
from streamsel.ports import Clock, LogReader
from streamsel.ports.snapshots import SUFFIX, SnapshotStore, SnapshotsUnavailable
from streamsel.review.refusals import LabelLogUnreachable
from streamsel.services.ending import end
from streamsel.services.folding import InForceAfter

READ_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SnapshotPolicy:
    """How often, and how many."""

    labels: int = 10_000
    """Records of the label log between two."""
    seconds: float = 3_600.0
    """The longest time between two, if there was any record."""
    keep: int = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """A snapshot in the store; without a header if it can't be read."""

    name: str
    header: Header | None
    refused: str
    """Why it must not be used; empty if it may be."""


class Snapshots:
    """Of one label log, in one store, which all selectors share."""

    def __init__(
        self,
        store: SnapshotStore,
        log: LogReader,
        key: bytes,
        policy: SnapshotPolicy,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        """``key``: 32 bytes or more, known to the selectors alone."""
        self._store = store
        self._label_log = log
        self._key = key
        self._policy = policy
        self._metrics = metrics
        self._clock = clock
        self._log = structlog.get_logger()
        self._last = (0, clock.monotonic())
        """Version and time of the last one taken, or restored."""
        self._writing: asyncio.Task[None] | None = None

    async def newest(
        self, in_force_after: InForceAfter, log_end: int, before: int | None = None
    ) -> Fold | None:
        """The newest good one, of at most ``before`` if that is given; tells of every one that is refused."""
        async for name, snapshot in self._opened():
            try:
                if before is not None and snapshot.header.offset > before:
                    continue
                await self._check_log(snapshot.header, log_end)
                in_force = await in_force_after(snapshot.header.offset, snapshot.header.directives)
                check(snapshot.header, in_force)
                fold = await asyncio.to_thread(restored, snapshot, in_force)
            except SnapshotRefused as refused:
                self._refuse(name, refused)
                continue
            self._last = (fold.version, self._clock.monotonic())
            self._log.info("snapshot_restored", name=name, version=fold.version, labels=fold.labels_learned)
            return fold
        return None

    async def take_if_due(self, fold: Fold, directives: Sequence[tuple[int, str]]) -> None:
        """Returns once ``fold`` may learn again; the rest is done in the background. What fails is told of
        and tried again when the next is due. ``directives``: all before the fold's version."""
        version, at = self._last
        since = fold.version - version
        if since <= 0 or (
            since < self._policy.labels and self._clock.monotonic() - at < self._policy.seconds
        ):
            return
        if self._writing is not None and not self._writing.done():
            return
        try:
            others = await self._newest_before(fold.version)
            self._last = (max(others, version), self._clock.monotonic())
            if others > version:
                return
            self._last = (fold.version, self._clock.monotonic())
            log, digest = await self._log_id(fold.version), fold.digest()
            taken = await asyncio.to_thread(take, fold, digest, log, directives, self._clock.time())
        except Exception as error:  # noqa: BLE001 - learning goes on without
            self._fail(fold.version, error)
            return
        self._writing = asyncio.create_task(self._write(taken))

    async def finish(self) -> None:
        """Waits for one that is being written."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def close(self) -> None:
        """Gives up one that is being written."""
        if self._writing is not None:
            await end(self._writing)

    async def discard(self) -> None:
        """Deletes all."""
        await self.finish()
        self._last = (0, self._clock.monotonic())
        try:
            for name in await self._store.names():
                await self._store.delete(name)
        except SnapshotsUnavailable as error:
            self._log.warning("snapshots_not_discarded", error=str(error))

    async def listed(self, in_force: InForce, log_end: int) -> list[Listed]:
        """All of them, newest first; none is unpickled."""
        found = []
        for name in await self._store.names():
            header: Header | None = None
            try:
                snapshot = await self._open(name)
                header = snapshot.header
                await self._check_log(header, log_end)
                check(header, in_force)
            except SnapshotRefused as refused:
                found.append(Listed(name, header, str(refused)))
            else:
                found.append(Listed(name, header, ""))
        return found

    async def _opened(self) -> AsyncIterator[tuple[str, Snapshot]]:
        """Those whose signature is right, newest first."""
        try:
            names = await self._store.names()
        except SnapshotsUnavailable as error:
            self._refuse("", SnapshotRefused("unreadable", str(error)))
            return
        for name in names:
            try:
                snapshot = await self._open(name)
            except SnapshotRefused as refused:
                self._refuse(name, refused)
            else:
                yield name, snapshot

    async def _open(self, name: str) -> Snapshot:
        try:
            content = await self._store.read(name)
        except SnapshotsUnavailable as error:
            raise SnapshotRefused("unreadable", str(error)) from None
        return await asyncio.to_thread(opened, content, self._key)

    async def _check_log(self, header: Header, log_end: int) -> None:
        if header.offset > log_end:
            raise SnapshotRefused("ahead", f"it stands at {header.offset}, and the log ends at {log_end}")
        log = await self._log_id(header.offset)
        if log != header.log:
            raise SnapshotRefused("log", f"it is of another log, or of this one before it was changed: {log}")

    async def _log_id(self, offset: int) -> str:
        first = await self._record(0)
        return log_id(first, await self._record(offset - 1))

    async def _record(self, offset: int) -> bytes:
        batch = await self._label_log.read(offset, 1, READ_SECONDS)
        if not batch:
            raise LabelLogUnreachable(f"the label log did not give its record at {offset}")
        return batch[0][1]

    async def _newest_before(self, version: int) -> int:
        """Offset of the newest snapshot by name, which another selector may have taken; 0 without any."""
        offsets = map(_offset, await self._store.names())
        return max((offset for offset in offsets if offset <= version), default=0)

    async def _write(self, taken: Taken) -> None:
        """Packs, signs and writes what was taken, and deletes what is older than the last ones to keep."""
        header = taken.header
        name = f"{header.offset:020d}-{header.digest}{SUFFIX}"
        try:
            packed = await asyncio.to_thread(taken.closed.pack)
            taken.ledger.replace(taken.closed, packed)
            pieces = await asyncio.to_thread(sealed, header, packed, taken.state, self._key)
            await self._store.write(name, pieces)
            older = [one for one in await self._store.names() if one <= name]
            for one in older[self._policy.keep :]:
                await self._store.delete(one)
        except Exception as error:  # noqa: BLE001 - serving and learning go on without
            self._fail(header.offset, error)
            return
        self._metrics.snapshots_written.inc()
        self._log.info("snapshot_written", name=name, bytes=sum(map(len, pieces)))

    def _refuse(self, name: str, refused: SnapshotRefused) -> None:
        self._metrics.snapshots_refused.labels(refused.reason).inc()
        self._log.warning("snapshot_refused", name=name, reason=refused.reason, detail=refused.detail)

    def _fail(self, version: int, error: Exception) -> None:
        self._metrics.snapshots_failed.inc()
        self._log.warning("snapshot_failed", version=version, error=f"{type(error).__name__}: {error}")


def _offset(name: str) -> int:
    """As its name says; what lies there by another name is of none."""
    digits = name.split("-", 1)[0]
    return int(digits) if digits.isdecimal() else 0
