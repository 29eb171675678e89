"""What ``ports.EventSource`` promises the members of a group, over every server it runs on."""

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
from streamsel.ports import EventSource, SourceRecord
from streamsel.records import Partition
from tests.contracts.log_servers import (
    KafkaServers,
    LogServers,
    Ownership,
    after,
    numbered,
    of,
    polled,
    values,
)


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
