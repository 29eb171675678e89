"""What ``ports.EventSource`` promises, over every server it runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from streamsel.ports import SourceRecord, SourceUnavailable
from streamsel.records import Partition
from tests.contracts.log_servers import (
    KafkaServers,
    LogServers,
    Ownership,
    RedisServers,
    after,
    nowhere,
    numbered,
    of,
    polled,
)


async def test_events_come_in_order_within_each_partition(logs: LogServers) -> None:
    """A new group starts at the beginning; offsets are those of the partition, without gaps."""
    await logs.events(0, numbered(250))
    await logs.events(1, numbered(50, start=1_000))
    async with logs.running(logs.source(), Ownership()) as source:
        records = await polled(source, 300)
    assert of(records, 0) == list(enumerate(numbered(250)))
    assert of(records, 1) == list(enumerate(numbered(50, start=1_000)))


async def test_a_poll_is_bounded_in_records_and_in_time(logs: LogServers) -> None:
    """Never more than asked for; nothing after the wait; at once with no wait."""
    await logs.events(0, numbered(25))
    await logs.events(1, numbered(25))
    async with logs.running(logs.source(), Ownership()) as source:
        sizes: list[int] = []
        while sum(sizes) < 50:
            sizes.append(sum(len(records) for _, records in await source.poll(7, 1.0)))
        assert max(sizes) <= 7
        async with asyncio.timeout(10):
            assert list(await source.poll(7, 0.2)) == []
            assert list(await source.poll(7, 0.0)) == []


async def test_a_waiting_poll_returns_with_the_event(logs: LogServers) -> None:
    """An event is polled when it comes, not when the wait is over."""
    owner = Ownership()
    async with logs.running(logs.source(), owner) as source:
        await owner.owns(0, 1)
        polling = asyncio.create_task(polled(source, 1))
        await asyncio.wait([polling], timeout=0.3)
        assert not polling.done()
        await logs.events(1, [b"new"])
        async with asyncio.timeout(10):
            assert of(await polling, 1) == [(0, b"new")]


async def test_a_group_resumes_where_it_committed(logs: LogServers) -> None:
    """Assignment gives the committed positions, and the first records are those."""
    await logs.events(0, numbered(10))
    await logs.events(1, numbered(10))
    async with logs.running(logs.source(), Ownership()) as source:
        records = await polled(source, 20)
        places = sorted({Partition(one.topic, one.partition) for one in records})
        await source.commit({places[0]: 4, places[1]: 7})
    owner = Ownership()
    async with logs.running(logs.source(), owner) as source:
        records = await polled(source, 9)
        assert owner.owned == {places[0]: 4, places[1]: 7}
    assert [offset for offset, _ in of(records, 0)] == [4, 5, 6, 7, 8, 9]
    assert [offset for offset, _ in of(records, 1)] == [7, 8, 9]


async def test_what_was_not_committed_comes_again(logs: LogServers) -> None:
    """A member that read without committing leaves everything to the next."""
    await logs.events(0, numbered(10))
    async with logs.running(logs.source(), Ownership()) as source:
        first = await polled(source, 10)
    async with logs.running(logs.source(), Ownership()) as source:
        assert of(await polled(source, 10), 0) == of(first, 0)


async def test_a_source_can_be_started_again(logs: LogServers) -> None:
    """After stop and start the same object is a new member."""
    await logs.events(0, numbered(5))
    source, owner = logs.source(), Ownership()
    async with logs.running(source, owner):
        await source.commit(after(await polled(source, 5)))
    await logs.events(0, numbered(5, start=5))
    async with logs.running(source, again := Ownership()):
        assert of(await polled(source, 5), 0) == list(enumerate(numbered(10)))[5:]
        assert again.numbers == (0, 1)


async def test_a_poll_can_be_cancelled_at_any_moment(logs: LogServers) -> None:
    """No cancellation is swallowed on the way: whoever polls in a loop can be stopped."""
    owner = Ownership()
    async with logs.running(logs.source(), owner) as source:
        await owner.owns(0, 1)

        async def poll_on() -> None:
            while True:
                await source.poll(100, 0.005)

        for number in range(100):
            polling = asyncio.create_task(poll_on())
            await asyncio.wait([polling], timeout=number / 10_000)
            polling.cancel()
            done, _ = await asyncio.wait([polling], timeout=2)
            assert done, f"still polling after cancellation {number}"


async def test_the_lag_is_what_waits_beyond_the_polled(logs: LogServers) -> None:
    """Counted over the owned partitions, whether committed or not."""
    await logs.events(0, numbered(30))
    await logs.events(1, numbered(12))
    owner = Ownership()
    async with logs.running(logs.source(), owner) as source:
        await owner.owns(0, 1)
        assert await source.lag() == 42
        records = await polled(source, 5, at_once=5)
        assert await source.lag() == 42 - len(records)


async def test_a_partition_one_does_not_own_is_left_out_of_a_commit(logs: LogServers) -> None:
    """Its position stays; those of the owned ones move."""
    await logs.events(0, numbered(3))
    async with logs.running(logs.source(), Ownership()) as source:
        records = await polled(source, 3)
        foreign = Partition(records[0].topic, 99)
        await source.commit({**after(records), foreign: 17})
    owner = Ownership()
    async with logs.running(logs.source(), owner):
        await owner.until(lambda: owner.owned.get(Partition(records[0].topic, 0)) == 3)


async def test_a_server_that_dies_and_comes_back_is_read_on_from_the_commit(logs: LogServers) -> None:
    """The source recovers by itself, or says that it is unavailable and does when started again."""
    await logs.events(0, numbered(10))
    source, owner = logs.source(), Ownership()
    await source.start(owner)
    try:
        await source.commit(after(await polled(source, 10)))
        logs.kill()
        await logs.start()
        await logs.events(0, numbered(10, start=10))
        records: list[SourceRecord] = []
        async with asyncio.timeout(30):
            while len(records) < 10:
                try:
                    records += [one for _, some in await source.poll(100, 0.2) for one in some]
                except SourceUnavailable:
                    await source.stop()
                    await source.start(owner := Ownership())
        assert of(records, 0)[-10:] == list(enumerate(numbered(20)))[10:]
        await source.commit(after(records))
        assert await source.lag() == 0
    finally:
        await source.stop()


async def test_an_unreachable_server_is_told(logs: LogServers) -> None:
    """Joining a group raises in bounded time; stopping after that is no error."""
    source = nowhere(logs).source()
    async with asyncio.timeout(10):
        with pytest.raises(SourceUnavailable):
            await source.start(Ownership())
        await source.stop()


async def test_a_listener_that_fails_stops_the_polling(logs: LogServers) -> None:
    """An error in taking over is not lost in a background task: polls raise it."""

    class Failing(Ownership):
        async def on_assigned(self, positions: Mapping[Partition, int]) -> None:  # noqa: ARG002
            raise RuntimeError("no decisions to be had")

    async with logs.running(logs.source(), Failing()) as source:
        with pytest.raises(RuntimeError, match="no decisions to be had"):
            await polled(source, 1)


@pytest.mark.kafka
async def test_a_stalled_consumer_is_told(kafka_logs: KafkaServers) -> None:
    """Records wait and none come though we poll: the poll says so instead of waiting for ever."""
    await kafka_logs.events(0, numbered(10))
    source = kafka_logs.source()
    async with kafka_logs.running(source, Ownership()):
        await polled(source, 10)
        assert source._consumer is not None
        source._consumer.pause(*source._consumer.assignment())
        await kafka_logs.events(0, numbered(10, start=10))
        with pytest.raises(SourceUnavailable, match="records wait"):
            await polled(source, 10)
    async with kafka_logs.running(source, Ownership()):
        await polled(source, 20)


@pytest.mark.kafka
async def test_a_partition_left_aside_is_no_stall(kafka_logs: KafkaServers) -> None:
    """A poller that takes only full helpings, or none, is not told that the consumer stalled."""
    await kafka_logs.events(0, numbered(10))
    await kafka_logs.events(1, numbered(10))
    source, owner = kafka_logs.source(), Ownership()
    async with kafka_logs.running(source, owner):
        await owner.owns(0, 1)
        await polled(source, 2, at_once=1)
        await asyncio.sleep(1.0)  # three looks of the watchdog
        await polled(source, 18)


async def test_only_committed_events_are_trimmed(stream_logs: RedisServers) -> None:
    """A stream of events grows as long as nobody commits, and shrinks after."""
    await stream_logs.events(0, numbered(1_000))
    source = stream_logs.source()
    source._keep_events = 100
    key = stream_logs.streams.events(0)
    async with stream_logs.running(source, Ownership()), stream_logs.streams.client() as client:
        place = Partition((await polled(source, 1_000))[0].topic, 0)
        assert await client.xlen(key) == 1_000
        await source.commit({place: 600})
        # Whole nodes of 100 entries are dropped, at least what was asked to be kept stays.
        assert 500 <= await client.xlen(key) <= 600
        await source.commit({place: 1_000})
        assert 100 <= await client.xlen(key) <= 200


async def test_the_offset_of_the_next_event_survives_trimming(stream_logs: RedisServers) -> None:
    """Also when every event is trimmed, the next one goes on counting."""
    await stream_logs.events(0, numbered(200))
    source = stream_logs.source()
    source._keep_events = 0
    async with stream_logs.running(source, Ownership()):
        records = await polled(source, 200)
        await source.commit(after(records))
        await stream_logs.events(0, [b"next"])
        assert of(await polled(source, 1), 0) == [(200, b"next")]
