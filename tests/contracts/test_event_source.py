"""What ``ports.EventSource`` promises, over every server it runs on."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from loadtest.outside.waiting import until
from streamsel.adapters.kafka_source import KafkaEventSource
from streamsel.ports import EventSource, SourceRecord, SourceUnavailable
from streamsel.records import Partition
from tests.contracts.log_servers import (
    KafkaServers,
    LogServers,
    Ownership,
    RedisServers,
    after,
    nowhere,
    polled,
)


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(start, start + count)]


def of(records: Sequence[SourceRecord], partition: int) -> list[tuple[int, bytes | None]]:
    """Offset and value of the records of one partition, as they came."""
    return [(one.offset, one.value) for one in records if one.partition == partition]


def values(records: Sequence[SourceRecord]) -> list[bytes]:
    return sorted(one.value or b"" for one in records)


@asynccontextmanager
async def member_process(logs: LogServers) -> AsyncIterator[Process]:
    """A member of the group that can be killed; see ``tests.contracts.member``."""
    command = [sys.executable, "-m", "tests.contracts.member", *logs.address]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def told(process: Process, line: str) -> None:
    """Returns once the member has told this."""
    assert process.stdout is not None
    async with asyncio.timeout(20):
        while (said := (await process.stdout.readline()).decode().strip()) != line:
            assert said, f"the member ended before it told '{line}'"


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


async def test_members_share_the_partitions_and_each_event_is_done_once(logs: LogServers) -> None:
    """A second member takes over half; what the first committed on revocation is not read again."""
    await logs.events(0, numbered(20))
    await logs.events(1, numbered(20, start=20))

    first = logs.source()
    in_hand: list[SourceRecord] = []

    class Finishing(Ownership):
        async def finish(self, partitions: Sequence[Partition]) -> None:
            await asyncio.sleep(0)  # what is in flight takes a moment
            done = {place: position for place, position in after(in_hand).items() if place in partitions}
            await first.commit(done)

    owner, other = Finishing(), Ownership()
    async with logs.running(first, owner):
        in_hand += await polled(first, 40)
        async with logs.running(logs.source(), other) as second:
            await keep_polling_until_shared(first, owner, other)
            assert sorted(owner.numbers + other.numbers) == [0, 1]
            assert list(other.owned.values()) == [20]
            await logs.events(0, numbered(5, start=100))
            await logs.events(1, numbered(5, start=200))
            records = [*(await polled(first, 5)), *(await polled(second, 5))]
    assert values(records) == sorted([*numbered(5, start=100), *numbered(5, start=200)])


async def keep_polling_until_shared(source: EventSource, owner: Ownership, other: Ownership) -> None:
    """A member polls on while the group rebalances; nothing comes of it here."""

    async def poll() -> None:
        while True:
            assert list(await source.poll(100, 0.05)) == []

    polling = asyncio.create_task(poll())
    await other.owns_some(1)
    await owner.owns_some(1)
    polling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await polling


async def test_a_poll_returns_nothing_between_revocation_and_assignment(logs: LogServers) -> None:
    """While the listener gives up or takes over, polls come back empty; so it may wait for the poller."""
    await logs.events(0, numbered(10))
    await logs.events(1, numbered(10))
    during: list[list[object]] = []

    class Slow(Ownership):
        def __init__(self, source: EventSource) -> None:
            super().__init__()
            self.source = source

        async def on_assigned(self, positions: Mapping[Partition, int]) -> None:
            during.append(list(await self.source.poll(100, 0.05)))
            await super().on_assigned(positions)

        async def finish(self, partitions: Sequence[Partition]) -> None:  # noqa: ARG002
            during.append(list(await self.source.poll(100, 0.05)))

    source = logs.source()
    owner, other = Slow(source), Ownership()
    async with logs.running(source, owner):
        await polled(source, 20)
        async with logs.running(logs.source(), other):
            await other.owns_some(1)
            await owner.owns_some(1)
    assert len(during) >= 2
    assert not any(during)


@pytest.mark.kafka
async def test_what_is_revoked_while_it_is_taken_over_is_not_polled_before_it_is_taken_over_anew(
    kafka_logs: KafkaServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two members join at almost one time: nothing is read past before its owner knows that it is theirs."""
    await kafka_logs.events(0, numbered(10))
    await kafka_logs.events(1, numbered(10))
    source = kafka_logs.source()
    revoke, second_joins = source.revoked, asyncio.Event()
    during: list[object] = []

    async def revoked() -> None:
        if source._owned:
            second_joins.set()
        await revoke()

    monkeypatch.setattr(source, "revoked", revoked)

    class Slow(Ownership):
        async def on_assigned(self, positions: Mapping[Partition, int]) -> None:
            if not self.history:
                async with asyncio.timeout(30):
                    await second_joins.wait()
            else:
                for _ in range(3):
                    during.extend(await source.poll(100, 0.1))
            await super().on_assigned(positions)

    owner, other = Slow(), Ownership()
    async with kafka_logs.running(source, owner):
        await until(lambda: source._owned, what="the first member takes over")
        async with kafka_logs.running(kafka_logs.source(), other):
            await other.owns_some(1)
            await owner.until(lambda: len(owner.history) == 3)
            (number,) = owner.numbers
            assert of(await polled(source, 10), number) == list(enumerate(numbered(10)))
    assert during == []


async def test_a_member_that_leaves_hands_over_at_once(logs: LogServers) -> None:
    """Nobody waits for the session of a member that has stopped."""
    owner, other = Ownership(), Ownership()
    async with logs.running(logs.source(), owner):
        leaver = logs.source()
        await leaver.start(other)
        await other.owns_some(1)
        await owner.owns_some(1)
        await leaver.stop()
        async with asyncio.timeout(logs.session_seconds):
            await owner.owns(0, 1)


async def test_a_member_that_dies_is_succeeded(logs: LogServers) -> None:
    """kill -9: within the session and a little, others own its partitions and read what it left."""
    await logs.events(0, numbered(10))
    await logs.events(1, numbered(10, start=10))
    async with member_process(logs) as process:
        await told(process, "polled 20")
        process.kill()
        owner = Ownership()
        async with asyncio.timeout(logs.session_seconds + 5), logs.running(logs.source(), owner) as source:
            assert values(await polled(source, 20)) == sorted(numbered(20))
            await owner.owns(0, 1)


async def test_a_member_that_slept_through_its_session_commits_nothing(logs: LogServers) -> None:
    """A process that was stopped and wakes up cannot move the positions of its successor."""
    await logs.events(0, numbered(10))
    async with member_process(logs) as process:
        assert process.stdin is not None
        await told(process, "polled 10")
        process.send_signal(signal.SIGSTOP)
        owner = Ownership()
        async with logs.running(logs.source(), owner) as source:
            await owner.owns(0, 1)
            records = await polled(source, 10)
            place = Partition(records[0].topic, 0)
            await source.commit({place: 5})
            process.stdin.write(b"commit\n")
            await process.stdin.drain()
            process.send_signal(signal.SIGCONT)
            await told(process, "committed")
            process.kill()
            await process.wait()
    last = Ownership()
    async with logs.running(logs.source(), last):
        await last.until(lambda: last.owned.get(place) == 5)


async def test_a_member_that_does_not_poll_keeps_its_partitions(logs: LogServers) -> None:
    """Pausing the stream for longer than the session, or for hours, costs no membership."""
    await logs.events(0, numbered(10))
    source, owner = logs.source(), Ownership()
    async with logs.running(source, owner):
        records = await polled(source, 5, at_once=5)
        if isinstance(source, KafkaEventSource):
            assert source._consumer is not None
            source._consumer._subscription._last_fetch_ended -= 5 * 3600  # as if polled five hours ago
        await asyncio.sleep(2 * logs.session_seconds)
        await source.commit(after(records))
        assert of(await polled(source, 10 - len(records)), 0) == list(enumerate(numbered(10)))[len(records) :]
        assert owner.history == [("assigned", (0, 1))]


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
