"""The desk's figures as they change, for any number of listeners at the price of one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi.sse import format_sse_event

from streamsel.api.problems import TOO_MANY_LISTENERS, Problem
from streamsel.api.queue_views import QueueView
from streamsel.review.refusals import DeskUnreachable

PERIOD_SECONDS = 1.0
"""The figures are looked up so often, so an event is sent no more often."""

HEARTBEAT_SECONDS = 15.0
"""A stream that is silent for longer looks dead to a proxy."""

MOST_LISTENERS = 8
"""Of one caller to one process."""

_RETRY_MILLISECONDS = 2_000
_HEARTBEAT = b": still here\n\n"


class LiveFigures:
    """Looks up the figures once a period while anybody listens, and tells all listeners what has changed.

    A slow listener misses what lies between, never the newest. The streams end when ``closing`` is set, and
    when the desk does not answer: whoever comes back is told so.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[QueueView]],
        closing: asyncio.Event,
        period_seconds: float = PERIOD_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._look = look
        self._closing = closing
        self._period_seconds = period_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._listeners: dict[asyncio.Event, str] = {}
        """What wakes each, and who it is."""
        self._latest: QueueView | None = None
        self._following: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listening(self, caller: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Server-sent events (WHATWG HTML §9.2): the figures as they are, then each change.

        Raises ``Problem`` when this caller listens too often already, ``DeskUnreachable`` at once when there
        is nothing to be told.
        """
        if Counter(self._listeners.values())[caller] >= MOST_LISTENERS:
            raise Problem(TOO_MANY_LISTENERS, f"At most {MOST_LISTENERS} of these streams at once.")
        woken = asyncio.Event()
        self._listeners[woken] = caller
        try:
            yield self._events(woken, await self._followed())
        finally:
            del self._listeners[woken]

    async def _followed(self) -> asyncio.Task[None]:
        if self._following is None or self._following.done():
            latest = await self._look()
            if self._following is None or self._following.done():
                self._latest = latest
                self._following = asyncio.create_task(self._follow())
                self._following.add_done_callback(lambda _: self._wake())
        return self._following

    async def _follow(self) -> None:
        while self._listeners and not self._closing.is_set():
            try:
                async with asyncio.timeout(self._period_seconds):
                    await self._closing.wait()
            except TimeoutError:
                try:
                    figures = await self._look()
                except DeskUnreachable:
                    return
                if figures != self._latest:
                    self._latest = figures
                    self._wake()

    def _wake(self) -> None:
        for woken in self._listeners:
            woken.set()

    async def _events(self, woken: asyncio.Event, following: asyncio.Task[None]) -> AsyncIterator[bytes]:
        yield format_sse_event(retry=_RETRY_MILLISECONDS)
        shown: QueueView | None = None
        while not following.done():
            if self._latest is not None and self._latest != shown:
                shown = self._latest
                yield format_sse_event(event="queue", data_str=shown.model_dump_json())
            try:
                async with asyncio.timeout(self._heartbeat_seconds):
                    await woken.wait()
                woken.clear()
            except TimeoutError:
                yield _HEARTBEAT
