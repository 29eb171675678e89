"""What ``ports.EventIntake`` promises, over every server it runs on."""

from __future__ import annotations

import pytest

from streamsel.ports import RecordTooLarge, SourceUnavailable
from tests.contracts.log_servers import LogServers, Ownership, nowhere, polled


async def test_each_event_is_where_the_intake_says(logs: LogServers) -> None:
    """The source returned for an event is the one it is polled from."""
    values = [b"event %d" % number for number in range(200)]
    sources = await logs.intake().append(values)
    async with logs.running(logs.source(), Ownership()) as source:
        records = await polled(source, 200)
    there = {(one.topic, one.partition, one.offset): one.value for one in records}
    assert [there[place] for place in sources] == values


async def test_events_are_spread_over_the_partitions(logs: LogServers) -> None:
    """All partitions get their share."""
    sources = await logs.intake().append([b"event %d" % number for number in range(200)])
    shares = [sum(one.partition == partition for one in sources) for partition in (0, 1)]
    assert min(shares) > 60


async def test_an_event_sent_twice_goes_to_the_same_partition(logs: LogServers) -> None:
    """Also from another process: what a client repeats is decided behind what it sent first."""
    values = [b"event %d" % number for number in range(20)]
    first = await logs.intake().append(values)
    second = await logs.intake().append(values)
    assert [one.partition for one in first] == [one.partition for one in second]
    assert all(one.offset < other.offset for one, other in zip(first, second, strict=True))


async def test_events_keep_the_trace_they_came_with(logs: LogServers) -> None:
    """All of a call have that of the call; without one, nothing is beside them."""
    intake, trace = logs.intake(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    traced = await intake.append([b"one", b"two"], trace)
    (plain,) = await intake.append([b"three"])
    async with logs.running(logs.source(), Ownership()) as source:
        records = await polled(source, 3)
    there = {(one.topic, one.partition, one.offset): [*one.headers] for one in records}
    assert [there[place] for place in traced] == [[("traceparent", trace.encode())]] * 2
    assert there[plain] == []


async def test_an_unreachable_server_is_told(logs: LogServers) -> None:
    """The caller must know that the events may be lost."""
    elsewhere = nowhere(logs)
    async with elsewhere.stack:
        with pytest.raises(SourceUnavailable):
            await elsewhere.intake().append([b"event"])


async def test_an_event_that_is_too_large_is_refused_and_none_written(logs: LogServers) -> None:
    """The error names both sizes."""
    owner = Ownership()
    with pytest.raises(RecordTooLarge, match=r"5000000 bytes.*4194304"):
        await logs.intake().append([b"small", b"x" * 5_000_000])
    async with logs.running(logs.source(), owner) as source:
        await owner.owns(0, 1)
        assert await source.lag() == 0
