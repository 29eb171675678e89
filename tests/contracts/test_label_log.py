"""What ``ports.LabelLog`` promises, over every server it runs on."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from streamsel.ports import LabelLog, OutgoingDecisions, TopicRefused
from streamsel.review.refusals import LabelLogRefused, LabelLogUnreachable
from tests.contracts.log_servers import LogServers


async def everything(log: LabelLog) -> list[tuple[int, bytes]]:
    """All records there are, read from the start."""
    records: list[tuple[int, bytes]] = []
    end = await log.end()
    async with asyncio.timeout(10):
        while len(records) < end:
            records += await log.read(len(records), 100, 1.0)
    return records


async def appended(log: LabelLog, record: bytes) -> int:
    """Its offset, once a server that has just come back takes it; it may then be there twice."""
    async with asyncio.timeout(30):
        while True:
            with suppress(LabelLogUnreachable):
                (offset,) = await log.append([record])
                return offset


async def test_offsets_start_at_zero_and_follow_the_order_of_a_call(logs: LogServers) -> None:
    """The first record has offset 0, the next 1, within a call and from call to call."""
    log = logs.labels()
    assert await log.end() == 0
    assert await log.append([b"a", b"b"]) == [0, 1]
    assert await log.append([b"c"]) == [2]
    assert await log.end() == 3
    assert await everything(log) == [(0, b"a"), (1, b"b"), (2, b"c")]


async def test_where_a_log_begins(logs: LogServers) -> None:
    """At 0, then at the oldest record that is still there; where nothing is left, at its end."""
    reader, sink = logs.decision_reader(0), logs.decisions()
    assert (await reader.beginning(), await reader.end()) == (0, 0)
    await (await sink.send([OutgoingDecisions(0, range(10), [b"%d" % number for number in range(10)])]))
    assert (await reader.beginning(), await reader.end()) == (0, 10)
    await logs.truncate_decisions(0, 7)
    assert (await reader.beginning(), await reader.end()) == (7, 10)


async def test_concurrent_appends_leave_no_gap_and_each_learns_its_own_offsets(logs: LogServers) -> None:
    """Every append gets the offsets under which its own records are then found."""
    one, other = logs.labels(), logs.labels()
    batches = [[f"{number}.{part}".encode() for part in range(3)] for number in range(40)]
    appended = await asyncio.gather(
        *((one, other)[number % 2].append(batch) for number, batch in enumerate(batches))
    )
    told = {
        offset: record
        for offsets, batch in zip(appended, batches, strict=True)
        for offset, record in zip(offsets, batch, strict=True)
    }
    assert sorted(told) == list(range(120))
    assert dict(await everything(one)) == told


async def test_a_read_waits_for_the_record_it_wants(logs: LogServers) -> None:
    """A reader at the end gets a record as soon as it is appended."""
    log = logs.labels()
    await log.append([b"there"])
    reading = asyncio.create_task(log.read(1, 10, 20.0))
    await asyncio.wait([reading], timeout=0.3)
    assert not reading.done()
    await log.append([b"new"])
    async with asyncio.timeout(10):
        assert await reading == [(1, b"new")]


async def test_a_read_at_the_end_comes_back_empty_after_its_wait(logs: LogServers) -> None:
    """Nothing there is no error; with no wait it is known at once."""
    log = logs.labels()
    await log.append([b"there"])
    async with asyncio.timeout(10):
        assert await log.read(1, 10, 0.1) == []
        assert list(await log.read(1, 10, 0.0)) == []


async def test_readers_at_different_places_do_not_disturb_each_other(logs: LogServers) -> None:
    """One instance serves a follower at the end and another that starts over."""
    log = logs.labels()
    await log.append([str(number).encode() for number in range(50)])
    waiting = asyncio.create_task(log.read(50, 10, 20.0))
    assert [offset for offset, _ in await log.read(0, 20, 2.0)] == list(range(20))
    assert [offset for offset, _ in await log.read(20, 100, 2.0)][:5] == [20, 21, 22, 23, 24]
    await log.append([b"new"])
    assert await waiting == [(50, b"new")]


async def test_what_was_acknowledged_survives_the_death_of_the_server(logs: LogServers) -> None:
    """I7: kill -9 of the server loses no acknowledged record; callers are told in bounded time; the same
    log works when the server is back, and its offsets go on without a gap."""
    log = logs.labels()
    acknowledged: dict[int, bytes] = {}
    well_under_way = asyncio.Event()

    async def keep_appending() -> None:
        for number in range(100_000):
            record = b"%d" % number
            (offset,) = await log.append([record])
            acknowledged[offset] = record
            if number == 30:
                well_under_way.set()

    appending = asyncio.create_task(keep_appending())
    await well_under_way.wait()
    logs.kill()
    try:
        async with asyncio.timeout(15):
            with pytest.raises(LabelLogUnreachable):
                await appending
            with pytest.raises(LabelLogUnreachable):
                await log.end()
    finally:
        await logs.start()
    offset = await appended(log, b"after")
    records = dict(await everything(log))
    assert sorted(records) == list(range(len(records)))
    assert records.items() >= acknowledged.items()
    assert records[offset] == b"after"


async def test_a_record_that_is_too_large_is_refused_for_certain(logs: LogServers) -> None:
    """The refusal names both sizes; nothing of the call was written; the log goes on."""
    log = logs.labels()
    with pytest.raises(LabelLogRefused, match=r"5000000 bytes.*4194304"):
        await log.append([b"small", b"x" * 5_000_000])
    assert await log.append([b"y" * 4_000_000]) == [0]
    assert await log.read(0, 10, 5.0) == [(0, b"y" * 4_000_000)]


async def test_a_log_that_lost_records_is_refused_not_read_past(logs: LogServers) -> None:
    """Wanting a record that was deleted, or one beyond the end, is an error: the fold would be wrong."""
    log = logs.labels()
    await log.append([b"a", b"b", b"c"])
    with pytest.raises(TopicRefused, match="4"):
        await log.read(4, 10, 0.1)
    await logs.truncate_labels(2)
    with pytest.raises(TopicRefused, match="0"):
        await log.read(0, 10, 0.5)
    assert await log.read(2, 10, 2.0) == [(2, b"c")]
