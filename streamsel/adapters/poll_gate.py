"""Keeps polling and a change of ownership apart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Records = TypeVar("Records")


class PollGate:
    """Open while the partitions are settled; closed while they change hands, and at first.

    A poll that finds the gate closed, or waits when it closes, comes back with nothing. So whatever a
    poll returned, it returned before the listener was told of the revocation, or after it had dealt with
    the assignment; and a listener that waits for the polling loop does not wait for a poll.
    """

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._polls: set[asyncio.Timeout] = set()
        self._failure: Exception | None = None

    @property
    def is_open(self) -> bool:
        return self._open.is_set()

    def open(self) -> None:
        self._open.set()

    def close(self) -> None:
        self._open.clear()
        for poll in self._polls:
            if not poll.expired():
                poll.reschedule(asyncio.get_running_loop().time())

    def fail(self, error: Exception) -> None:
        """Closes for good: every later poll raises ``error``."""
        self._failure = error
        self.close()

    async def poll(self, wait_seconds: float, fetch: Callable[[], Awaitable[Records]]) -> Records | None:
        """What ``fetch`` returns, or ``None`` when the gate closes or does not open in time."""
        if self._failure is not None:
            raise self._failure
        poll = asyncio.timeout(wait_seconds)
        try:
            async with poll:
                self._polls.add(poll)
                await self._open.wait()
                poll.reschedule(None)
                return await fetch()
        except TimeoutError:
            if not poll.expired():
                raise
            return None
        finally:
            self._polls.discard(poll)
