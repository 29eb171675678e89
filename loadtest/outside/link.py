"""A network link that can fail: TCP on this side, a server's TCP port or unix socket on the other.

Toxiproxy does the same and more, and is a program of another language, to be built or fetched wherever the
tests run. What is needed of it is so little that here it runs in the event loop of the test itself, anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

_CHUNK = 65_536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]


class Link:
    """Open until told otherwise. ``port`` of 127.0.0.1 stays the same while the object lives."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._stranded = 0
        """How often; what was connected before carries nothing."""
        self._delay_seconds = 0.0
        self._seconds_per_byte = 0.0
        self.port = 0

    async def open(self) -> None:
        """Takes connections, on the same port as before."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Every connection is reset, and none is taken any more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    def strand(self) -> None:
        """Leaves every connection half-open: it stays, and nothing passes any more. New ones work."""
        self._stranded += 1

    def slow(self, delay_seconds: float, bytes_per_second: float) -> None:
        """From now on whatever is sent in one piece is on its way so long, each way, and what is behind it
        waits; every connection carries so much."""
        self._delay_seconds, self._seconds_per_byte = delay_seconds, 1.0 / bytes_per_second

    def fast(self) -> None:
        """Slow no longer."""
        self._delay_seconds = self._seconds_per_byte = 0.0

    async def close(self) -> None:
        """For good."""
        await self.cut()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            there_reader, there_writer = await self._connect()
        except OSError:
            self._forget(writer)
            return
        self._writers.add(there_writer)
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        born = self._stranded
        with suppress(OSError):
            while chunk := await source.read(_CHUNK):
                if born < self._stranded:
                    continue
                if wait := self._delay_seconds + len(chunk) * self._seconds_per_byte:
                    await asyncio.sleep(wait)
                sink.write(chunk)
                await sink.drain()
        self._forget(sink)

    def _forget(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()


@asynccontextmanager
async def link(connect: Connect) -> AsyncIterator[Link]:
    """An open link."""
    opened = Link(connect)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()
