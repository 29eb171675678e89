"""Partitions come and go: what is in flight is finished or handed over, and no event is decided twice."""

from __future__ import annotations

import asyncio

from loadtest.inside.doubles import ScorerDouble, SlowScorer, World
from loadtest.inside.stage import Stage, asked, decided, selecting, some_events
from loadtest.inside.virtual_time import LoopClock, in_virtual_time
from streamsel.records import Partition


def two_partitions(count: int = 300) -> World:
    return World({0: some_events(count), 1: some_events(count, 10_000)})


def assert_decided_once(world: World) -> None:
    """Each event of each partition has one decision, and each query is at the desk."""
    for partition, values in world.events.items():
        assert sorted(one.source.offset for one in decided(world, partition)) == list(range(len(values)))
    assert sorted(asked(world)) == sorted(world.desk)


def test_what_is_in_flight_is_committed_before_the_partition_goes() -> None:
    """When the revocation returns, all that was decided is durable, offered and committed."""

    async def scenario() -> None:
        world = two_partitions(2_000)
        stage = Stage(world, partitions=(0, 1), scorer=SlowScorer(LoopClock().spend, 0.001))
        async with selecting(stage):
            await stage.until(lambda: len(decided(world, 1)) > 100)
            await stage.source.take([1])
            assert world.committed[1] == len(decided(world, 1)) < 2_000
            assert set(asked(world)) == set(world.desk)
            await stage.until(lambda: world.committed[0] == 2_000)
        assert world.committed[1] == len(decided(world, 1)) < 2_000

    in_virtual_time(scenario())


def test_the_next_owner_goes_on_where_the_last_one_stopped() -> None:
    """Two selectors, one handing a partition over to the other: every event decided once."""

    async def scenario() -> None:
        world = two_partitions(2_000)
        first = Stage(world, partitions=(0, 1), scorer=SlowScorer(LoopClock().spend, 0.001))
        second = Stage(world, partitions=(), scorer=ScorerDouble(contrary=True))
        async with selecting(first), selecting(second):
            await first.until(lambda: len(decided(world, 1)) > 100)
            await first.source.take([1])
            await second.source.give([1])
            await first.until(first.committed_all)
        assert_decided_once(world)
        assert first.selector.events_decided + second.selector.events_decided == 4_000
        assert second.selector.events_decided > 0

    in_virtual_time(scenario())


def test_what_cannot_be_finished_in_time_is_left_to_the_next_owner() -> None:
    """A revocation waits no longer than a few seconds; what became durable later is found by the next owner,
    and what the old one finishes after that is not committed by it."""

    async def scenario() -> None:
        world = World({0: some_events(200)}, held={"offer": asyncio.Event()})
        first = Stage(world)
        second = Stage(world, partitions=(), scorer=ScorerDouble(contrary=True))
        async with selecting(first), selecting(second):
            await first.until(lambda: len(decided(world)) == 200)
            committed = world.committed.get(0, 0)
            before = asyncio.get_running_loop().time()
            await first.source.take([0])
            assert asyncio.get_running_loop().time() - before <= 4.0
            assert world.committed.get(0, 0) == committed
            await second.source.give([0])
            world.held.pop("offer").set()
            await second.until(second.committed_all)
            assert second.selector.events_decided == 0
            commits = len(first.source.commits)
            await asyncio.sleep(5.0)
            assert first.selector._outbox.unfinished == 0
            assert len(first.source.commits) == commits
            assert all(positions[Partition("events", 0)] <= committed for positions in first.source.commits)
        assert_decided_once(world)

    in_virtual_time(scenario())


def test_records_polled_before_the_loss_are_not_decided_after_it() -> None:
    """Records that a poll brought while the revocation was under way are dropped when it is through."""

    async def scenario() -> None:
        world = World({0: some_events(20)}, held={"durable": asyncio.Event()})
        first = Stage(world)
        first.source.fetched_before_closing = True
        second = Stage(world, partitions=(), scorer=ScorerDouble(contrary=True))
        async with selecting(first), selecting(second):
            await first.until(lambda: first.selector.events_decided == 20)
            losing = asyncio.create_task(first.source.take([0]))
            await asyncio.sleep(0.1)
            world.events[0] += some_events(300, 20)
            await losing
            await asyncio.sleep(1.0)
            assert first.selector.events_decided == 20
            world.held.pop("durable").set()
            await first.until(lambda: len(decided(world)) == 20)
            await second.source.give([0])
            await second.until(second.committed_all)
        assert_decided_once(world)

    in_virtual_time(scenario())


def test_a_partition_that_stays_loses_nothing() -> None:
    """Of what was polled together, the share of the partition that stays is decided all the same."""

    async def scenario() -> None:
        world = two_partitions(20)
        world.held["durable"] = asyncio.Event()
        stage = Stage(world, partitions=(0, 1))
        stage.source.fetched_before_closing = True
        async with selecting(stage):
            await stage.until(lambda: stage.selector.events_decided == 40)
            losing = asyncio.create_task(stage.source.take([1]))
            await asyncio.sleep(0.1)
            for values in world.events.values():
                values += some_events(300, 50_000)
            await losing
            world.held.pop("durable").set()
            await stage.until(lambda: world.committed.get(0) == 320)
        assert [one.source.offset for one in decided(world, 0)] == list(range(320))
        assert [one.source.offset for one in decided(world, 1)] == list(range(20))

    in_virtual_time(scenario())


def test_a_partition_lost_during_a_micro_batch() -> None:
    """A revocation does not wait for ever for a micro-batch; what is left of the poll is dropped."""

    async def scenario() -> None:
        world = World({0: some_events(3_000)}, held={"durable": asyncio.Event()})
        stage = Stage(world)
        async with selecting(stage):
            await stage.until(lambda: stage.selector.events_decided > 30)
            await asyncio.sleep(1.0)
            decided_so_far = stage.selector.events_decided
            await stage.source.take([0])
            world.held.pop("durable").set()
            await asyncio.sleep(1.0)
            assert stage.selector.events_decided == decided_so_far == len(decided(world))
            assert world.committed == {}
            await stage.source.give([0])
            await stage.until(stage.committed_all)
        assert_decided_once(world)

    in_virtual_time(scenario())


def test_a_partition_that_comes_back() -> None:
    """Lost and owned again, it is read from its committed position, and what was decided stays so."""

    async def scenario() -> None:
        world = World({0: some_events(1_000)})
        stage = Stage(world)
        async with selecting(stage):
            for _ in range(5):
                known = len(decided(world))
                await stage.until(lambda known=known: len(decided(world)) > known)  # type: ignore[misc]
                world.held["commit"] = asyncio.Event()
                await stage.source.take([0])
                world.held.pop("commit").set()
                world.events[0] += some_events(100, len(world.events[0]))
                await stage.source.give([0])
            await stage.until(stage.committed_all)
        assert_decided_once(world)
        assert len(world.events[0]) == 1_500

    in_virtual_time(scenario())
