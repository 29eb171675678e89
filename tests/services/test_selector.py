"""The selector when all goes well: every event decided once, in order; queries offered, then the commit."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.inside.doubles import Event, SlowScorer, World
from loadtest.inside.stage import Stage, asked, decided, event, selecting, some_events
from loadtest.inside.virtual_time import in_virtual_time
from streamsel.records import Partition
from streamsel.services import selector as selector_module


def test_every_event_is_decided_once_and_in_order() -> None:
    """One decision an event, in the order of the stream; each query asked is at the desk, offered once."""

    async def scenario() -> None:
        stage = Stage(world := World({0: some_events(1_000)}))
        async with selecting(stage):
            await stage.until(stage.committed_all)
        assert [one.source.offset for one in decided(world)] == list(range(1_000))
        assert [one.event_id for one in decided(world)] == [f"e{number}" for number in range(1_000)]
        assert world.offers == asked(world)
        assert len(set(world.offers)) == len(world.offers) == len(world.desk)
        assert 200 < len(world.offers) < 400
        assert stage.selector.events_decided == stage.metric("streamsel_events_total") == 1_000
        lanes = [stage.metric("streamsel_queries_total", lane=lane) for lane in ("uncertain", "explore")]
        assert sum(lanes) == len(world.offers)
        assert min(lanes) > 0

    in_virtual_time(scenario())


def test_a_quiet_stream_is_decided_at_once() -> None:
    """A single event is decided and committed within one poll and one pause between commits."""

    async def scenario() -> None:
        stage = Stage(world := World())
        async with selecting(stage):
            await stage.until(lambda: stage.selector.joined)
            await asyncio.sleep(5.0)
            world.events[0].append(event(1))
            await stage.until(stage.committed_all, within_seconds=0.5)
        assert len(decided(world)) == 1

    in_virtual_time(scenario())


def test_every_partition_keeps_its_order() -> None:
    """Events of several partitions are decided side by side, each partition's decisions in its order."""

    async def scenario() -> None:
        world = World({partition: some_events(10, 100 * partition) for partition in range(8)})
        world.events[8] = some_events(400, 5_000)
        stage = Stage(world, partitions=range(9))
        async with selecting(stage):
            await stage.until(stage.committed_all)
        for partition, values in world.events.items():
            assert [one.source.offset for one in decided(world, partition)] == list(range(len(values)))
            assert {one.source.partition for one in decided(world, partition)} == {partition}
        assert sorted(world.offers) == sorted(asked(world))

    in_virtual_time(scenario())


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(1, 15))
def test_small_shares_go_together(shares: list[int], limit: int) -> None:
    """Every record is in one micro-batch, in order; none is too large, and what fits in one is in one."""
    polled = [
        (Partition("events", number), [Event("events", number, offset, b"") for offset in range(share)])
        for number, share in enumerate(shares)
    ]
    batches = list(selector_module._micro_batches(polled, lambda: limit))
    assert [one for batch in batches for one in batch] == [one for _, records in polled for one in records]
    assert all(0 < len(batch) <= limit for batch in batches)
    if sum(shares) <= limit:
        assert len(batches) <= 1


def test_decisions_come_before_queries_and_both_before_the_commit() -> None:
    """No query is offered before its decision is durable, and no position committed before its query is."""

    async def scenario() -> None:
        world = World({0: some_events(300)}, held={"durable": asyncio.Event(), "offer": asyncio.Event()})
        stage = Stage(world)
        async with selecting(stage):
            await asyncio.sleep(2.0)
            assert (decided(world), world.desk, world.committed) == ([], {}, {})
            world.held["durable"].set()
            await stage.until(lambda: decided(world))
            await asyncio.sleep(2.0)
            first_asked = next(one.source.offset for one in decided(world) if one.query)
            assert world.desk == {}
            assert world.committed.get(0, 0) <= first_asked
            world.held["offer"].set()
            await stage.until(stage.committed_all)
        assert world.offers == asked(world)

    in_virtual_time(scenario())


def test_dead_letters_are_durable_before_the_commit() -> None:
    """A record that is no event is set aside, with reason and place, before its position is committed."""

    async def scenario() -> None:
        stage = Stage(world := World({0: [event(0), b"poison", event(2)]}))
        async with selecting(stage):
            await stage.until(stage.committed_all)
        assert [one.source.offset for one in decided(world)] == [0, 2]
        assert len(world.letters) == 1
        assert b'"source":["events",0,1]' in world.letters[0]
        assert world.history.index("letters") < world.history.index("commit")
        assert stage.metric("streamsel_dead_letters_total", reason="not_json") == 1

    in_virtual_time(scenario())


def test_nothing_but_dead_letters_is_committed_too() -> None:
    """A stretch without a single event does not hold the position back."""

    async def scenario() -> None:
        stage = Stage(world := World({0: [b"poison"] * 40}))
        async with selecting(stage):
            await stage.until(stage.committed_all)
        assert len(world.letters) == 40
        assert decided(world) == []

    in_virtual_time(scenario())


@pytest.mark.parametrize("micros", [2.0, 100.0, 1_500.0, 20_000.0])
def test_micro_batches_fit_a_slice_of_the_event_loop(micros: float) -> None:
    """As many events go together as are decided in a slice, from one to the largest micro-batch, whatever
    the model."""

    async def scenario() -> None:
        stage = Stage(World({0: some_events(12_000)}))
        stage.selector._decider._scorer = scorer = SlowScorer(stage.clock.spend, micros * 1e-6)
        async with selecting(stage):
            await stage.until(stage.committed_all, within_seconds=600.0)
        fitting = min(
            max(int(selector_module.SLICE_SECONDS / (micros * 1e-6)), 1), selector_module.LARGEST_BATCH
        )
        assert 0.9 * fitting <= max(scorer.batches) <= fitting + 1

    in_virtual_time(scenario())


def test_micro_batches_grow_again_when_the_model_is_quick() -> None:
    """A model that was slow for a while does not leave the micro-batches small."""

    async def scenario() -> None:
        stage = Stage(world := World({0: some_events(200)}))
        stage.selector._decider._scorer = scorer = SlowScorer(stage.clock.spend, 0.01)
        async with selecting(stage):
            await stage.until(stage.committed_all, within_seconds=600.0)
            assert scorer.batches[-1] == 1
            scorer.seconds = 1e-6
            world.events[0] += some_events(12_000, 200)
            await stage.until(stage.committed_all)
        assert max(scorer.batches) == selector_module.LARGEST_BATCH

    in_virtual_time(scenario())


def test_the_lag_is_measured() -> None:
    """What waits beyond what was polled is told."""

    async def scenario() -> None:
        stage = Stage(world := World({0: some_events(10)}))
        async with selecting(stage):
            await stage.until(stage.committed_all)
            world.held["poll"] = asyncio.Event()
            await asyncio.sleep(selector_module.POLL_SECONDS)
            world.events[0] += some_events(70, 10)
            await stage.until(lambda: stage.metric("streamsel_consumer_lag") == 70.0)
            world.held.pop("poll").set()

    in_virtual_time(scenario())
