"""What ``ports.AuditLog`` promises, over every server it runs on, and the chains that processes write."""

from __future__ import annotations

import asyncio

import pytest

from streamsel.adapters.clock import SystemClock
from streamsel.ports import RecordTooLarge, SourceUnavailable, TopicRefused
from streamsel.services.audit import Audit
from streamsel.services.audit_reading import latest, records, verify
from tests.contracts.log_servers import LogServers, nowhere
from tests.services.callers import ANA, BEN


async def test_records_stand_in_the_order_of_their_appends(logs: LogServers) -> None:
    """From offset 0 on, apart from the label log."""
    log = logs.audit()
    assert await log.append([b"a", b"b"]) == [0, 1]
    assert await log.append([b"c"]) == [2]
    assert [one async for one in records(log, 0, await log.end())] == [(0, b"a"), (1, b"b"), (2, b"c")]
    assert await logs.labels().end() == 0


async def test_a_record_that_is_too_large_is_refused(logs: LogServers) -> None:
    """Nothing of the call is written."""
    log = logs.audit()
    with pytest.raises(RecordTooLarge, match=r"5000000 bytes"):
        await log.append([b"small", b"x" * 5_000_000])
    assert await log.end() == 0


async def test_no_server_is_told(logs: LogServers) -> None:
    """Reading and writing alike, in bounded time."""
    away = nowhere(logs)
    log = away.audit()
    async with away.stack:
        with pytest.raises(SourceUnavailable):
            await log.append([b"a"])
        with pytest.raises(SourceUnavailable):
            await log.end()


async def test_a_record_beyond_the_end_is_refused(logs: LogServers) -> None:
    """The log was made anew: its chains cannot be verified."""
    with pytest.raises(TopicRefused):
        await logs.audit().read(3, 10, 5.0)


async def test_what_several_processes_write_verifies(logs: LogServers) -> None:
    """Each has a chain; one that starts later refers to the ends of those before."""
    log = logs.audit()
    one, other = (Audit(logs.audit(), SystemClock()) for _ in range(2))
    for number in range(3):
        await asyncio.gather(
            one.note(ANA, "claimed", f"query-{number}"), other.note(BEN, "claimed", f"query-{number}")
        )
    await Audit(logs.audit(), SystemClock()).note(ANA, "signed in")
    verdict = await verify(log)
    assert verdict.sound
    assert (verdict.chains, verdict.entries) == (3, 3 + 6 + 1)
    *_, opening, signed_in = await latest(log, 100)
    assert set(opening.heads) == {entry.chain for entry in await latest(log, 100)} - {opening.chain}
    assert verdict.heads == {signed_in.chain: signed_in.hash}
