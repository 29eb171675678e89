"""A lease that a process keeps while it uses the logs, so that nobody erases from them meanwhile; or while it
erases, so that nobody uses them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from streamsel.ports import Clock, LabelLog
from streamsel.ports.erasure import InUse
from streamsel.review.refusals import DeskUnreachable, LabelLogUnreachable

LEASE_SECONDS = 30.0
"""A process that died is missed after this long."""
_RENEWALS_IN_A_LEASE = 4


class Lease:
    """``begin``, then ``keep`` until cancelled."""

    def __init__(self, hold: Callable[[float], Awaitable[Sequence[str]]], clock: Clock, refusal: str) -> None:
        """``hold`` takes or renews it for so many seconds, and returns who is in the way, if anybody;
        ``refusal`` is what is said of them."""
        self._hold = hold
        self._clock = clock
        self._refusal = refusal
        self._until = 0.0

    @property
    def valid(self) -> bool:
        """Whether nobody else can have taken it."""
        return self._clock.monotonic() < self._until

    async def begin(self) -> None:
        """Raises ``InUse`` or ``DeskUnreachable``."""
        asked_at = self._clock.monotonic()
        in_the_way = await self._hold(LEASE_SECONDS)
        if in_the_way:
            raise InUse(f"{self._refusal}: {', '.join(in_the_way)}")
        self._until = asked_at + LEASE_SECONDS

    async def keep(self) -> None:
        """Renews it in time, as long as the store answers and nobody is in the way."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / _RENEWALS_IN_A_LEASE)
            try:
                await self.begin()
            except (DeskUnreachable, InUse) as error:
                structlog.get_logger().warning("lease_not_renewed", error=str(error))


class LeasedLabelLog:
    """A label log that acknowledges nothing once the lease may have ended: the log may have been moved."""

    def __init__(self, log: LabelLog, lease: Lease) -> None:
        self._inner = log
        self._lease = lease

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        """See ``LabelLog``."""
        offsets = await self._inner.append(records)
        if not self._lease.valid:
            raise LabelLogUnreachable(
                "labels may be being erased: this process has lost its lease on the log"
            )
        return offsets

    async def read(self, start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        """See ``LogReader``."""
        return await self._inner.read(start, max_records, wait_seconds)

    async def beginning(self) -> int:
        """See ``LogReader``."""
        return await self._inner.beginning()

    async def end(self) -> int:
        """See ``LogReader``."""
        return await self._inner.end()

    async def close(self) -> None:
        await self._inner.close()
