"""What ``ports.DeadLetterSink`` promises, over every server it runs on."""

from __future__ import annotations

import pytest

from streamsel.ports import RecordTooLarge, SourceUnavailable
from tests.contracts.log_servers import LogServers, nowhere


async def test_letters_are_there_when_the_call_returns(logs: LogServers) -> None:
    """Byte for byte, also what is no text."""
    letters = [b"\x00\xff not utf-8", b"{}", b"x" * 1_400_000]
    await logs.dead_letters().send(letters)
    reader = logs.dead_letter_reader()
    assert await reader.end() == 3
    found: list[bytes] = []
    while len(found) < 3:
        found += [value for _, value in await reader.read(len(found), 10, 2.0)]
    assert found == letters


async def test_no_letters_are_no_call(logs: LogServers) -> None:
    """An empty send writes nothing."""
    await logs.dead_letters().send([])
    assert await logs.dead_letter_reader().end() == 0


async def test_an_unreachable_server_is_told(logs: LogServers) -> None:
    """A letter is not dropped silently."""
    elsewhere = nowhere(logs)
    async with elsewhere.stack:
        with pytest.raises(SourceUnavailable):
            await elsewhere.dead_letters().send([b"letter"])


async def test_a_letter_that_is_too_large_is_refused_and_none_written(logs: LogServers) -> None:
    """The error names both sizes."""
    with pytest.raises(RecordTooLarge, match=r"5000000 bytes.*4194304"):
        await logs.dead_letters().send([b"small", b"x" * 5_000_000])
    assert await logs.dead_letter_reader().end() == 0
