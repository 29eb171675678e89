"""The link that can fail: what passes, what does not, and what its ends see of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from loadtest.outside.link import Link, link

NEVER_SECONDS = 0.2


@pytest.fixture
async def echo() -> AsyncIterator[Link]:
    """A link to a server that says everything back."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while heard := await reader.read(1_000):
            writer.write(heard)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with link(lambda: asyncio.open_connection("127.0.0.1", port)) as opened:
            yield opened


class Caller:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def says(self, word: bytes) -> bytes:
        """What comes back; nothing at the end of the connection."""
        self.writer.write(word)
        return await self._reader.read(1_000)


async def called(echo: Link) -> Caller:
    return Caller(*await asyncio.open_connection("127.0.0.1", echo.port))


async def test_a_cut_ends_what_there_is_and_lets_nothing_new_in(echo: Link) -> None:
    """Until it is open again, on the same port."""
    caller, port = await called(echo), echo.port
    assert await caller.says(b"one") == b"one"
    await echo.cut()
    with suppress(ConnectionResetError):  # or the end is seen as an end
        assert await caller.says(b"two") == b""
    caller.writer.close()
    with pytest.raises(ConnectionError):
        await called(echo)
    await echo.open()
    assert echo.port == port
    again = await called(echo)
    assert await again.says(b"three") == b"three"
    again.writer.close()


async def test_a_stranded_connection_says_nothing_and_a_new_one_works(echo: Link) -> None:
    """As when one end has forgotten it, and the other can't know."""
    stranded = await called(echo)
    assert await stranded.says(b"one") == b"one"
    echo.strand()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stranded.says(b"two"), NEVER_SECONDS)
    fresh = await called(echo)
    assert await fresh.says(b"three") == b"three"
    stranded.writer.close()
    fresh.writer.close()


async def test_what_is_sent_over_a_slow_link_is_long_on_its_way(echo: Link) -> None:
    """Until the link is fast again; what is under way by then comes late, what is new at once."""
    caller = await called(echo)
    echo.slow(3_600.0, 1_000_000.0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(caller.says(b"one"), NEVER_SECONDS)
    echo.fast()
    fresh = await called(echo)
    assert await fresh.says(b"two") == b"two"
    caller.writer.close()
    fresh.writer.close()


async def test_a_slow_link_brings_everything_in_order(echo: Link) -> None:
    """Pieces wait for each other, and none is lost."""
    caller = await called(echo)
    echo.slow(0.001, 10_000_000.0)
    words = [b"%04d" % number for number in range(20)]
    assert [await caller.says(word) for word in words] == words
    caller.writer.close()
