"""A selector dies between any two effects, and another takes over: nothing is lost, nothing done twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from loadtest.inside.doubles import Crash, ScorerDouble, World
from loadtest.inside.stage import Stage, asked, decided, selecting, some_events
from loadtest.inside.virtual_time import in_virtual_time
from streamsel.codec import decode_dead_letter
from streamsel.ports import SourceRecord, SourceUnavailable
from streamsel.services.selector import SLICE_SECONDS

STEPS = (
    "poll", "send", "send done", "durable", "durable done", "letters", "letters done", "offer", "offer done",
    "commit", "commit done", "recorded", "join",
)  # fmt: skip
EVENTS = 400


def a_stream() -> list[bytes]:
    """Events with some poison among them."""
    events = some_events(EVENTS)
    for offset in (7, 50, 51, 333):
        events[offset] = b"poison"
    return events


@asynccontextmanager
async def arriving(world: World) -> AsyncIterator[None]:
    """The stream comes in bit by bit, so that every step is passed many times; all of it by the end."""

    async def arrive() -> None:
        for start in range(len(world.events[0]), EVENTS, 20):
            world.events[0] += a_stream()[start : start + 20]
            await asyncio.sleep(0.3)

    arrival = asyncio.create_task(arrive())
    yield
    await arrival


async def die(world: World) -> None:
    """Runs a selector until it crashes."""
    with pytest.raises(Crash):
        async with asyncio.timeout(60.0):
            await Stage(world).selector.run()
    # What the dead process had sent may still arrive, or not; here it does.
    await asyncio.sleep(1.0)


def assert_whole(world: World) -> None:
    """Every event decided once and every query asked about offered; what has no decision is a dead letter."""
    letters = {decode_dead_letter(one).source.offset for one in world.letters}
    offsets = [one.source.offset for one in decided(world)]
    assert sorted(offsets) == sorted(set(range(EVENTS)) - letters)
    assert letters == {7, 50, 51, 333}
    assert set(world.desk) == set(asked(world))
    assert len(set(asked(world))) == len(asked(world))
    for one in decided(world):
        if one.query is not None:
            assert world.desk[one.query.query_id] == one.query


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("passage", [0, 1, 4])
def test_a_crash_at_any_step(step: str, passage: int) -> None:
    """The next selector, which would decide everything the other way, decides only what was not yet."""

    async def scenario() -> None:
        world = World()
        once_only = step in ("recorded", "join", "letters", "letters done")
        world.faults[step] = [None] * (0 if once_only else passage) + [Crash()]
        async with arriving(world):
            await die(world)
            before = decided(world)
        stage = Stage(world, scorer=ScorerDouble(contrary=True))
        async with selecting(stage):
            await stage.until(stage.committed_all)
        assert decided(world)[: len(before)] == before
        assert_whole(world)

    in_virtual_time(scenario())


def test_one_crash_after_the_other() -> None:
    """A process that dies again and again, each time somewhere else, still brings the stream to its end."""

    async def scenario() -> None:
        world = World()
        async with arriving(world):
            for step in STEPS:
                world.faults = {step: [Crash()]}
                await die(world)
        stage = Stage(world, scorer=ScorerDouble(contrary=True))
        async with selecting(stage):
            await stage.until(stage.committed_all)
        assert_whole(world)

    in_virtual_time(scenario())


@pytest.mark.parametrize("step", ["join", "recorded", "poll", "send", "durable", "letters", "commit"])
def test_the_streams_servers_failing_midway(step: str) -> None:
    """An unavailable server ends the membership, not the selector: it joins again and nothing is lost."""

    async def scenario() -> None:
        world = World()
        world.faults[step] = [None, None, *[SourceUnavailable("the broker is away")] * 3]
        if step in ("join", "recorded"):
            world.faults = {step: [SourceUnavailable("the broker is away")] * 3}
        stage = Stage(world)
        async with selecting(stage):
            async with arriving(world):
                pass
            await stage.until(stage.committed_all)
        assert not world.faults[step]
        assert_whole(world)

    in_virtual_time(scenario())


def test_a_server_that_fails_for_a_minute() -> None:
    """The selector keeps trying, about once a second, and goes on by itself."""

    async def scenario() -> None:
        stage = Stage(world := World())
        async with selecting(stage), arriving(world):
            await stage.until(lambda: len(decided(world)) > 10)
            world.outages["poll"] = world.outages["join"] = SourceUnavailable("the broker is away")
            await asyncio.sleep(60.0)
            assert not stage.selector.joined
            world.outages.clear()
            await stage.until(stage.committed_all, within_seconds=5.0)
        assert stage.source.starts == 2
        assert_whole(world)

    in_virtual_time(scenario())


def test_a_bug_in_the_pacing_ends_the_selector() -> None:
    """What is no outage is not survived in silence, with the last rate for ever."""

    async def scenario() -> None:
        world = World({0: a_stream()}, faults={"report": [None, None, ZeroDivisionError()]})
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(60.0):
                await Stage(world).selector.run()

    in_virtual_time(scenario())


def test_a_topic_made_anew_is_decided_anew() -> None:
    """Decisions recorded for other events at the same offsets are not taken for those of these."""

    async def scenario() -> None:
        world = World({0: some_events(50)})
        async with selecting(stage := Stage(world)):
            await stage.until(stage.committed_all)
        world.events[0] = some_events(50, start=1_000)
        world.committed.clear()
        async with selecting(stage := Stage(world)):
            await stage.until(stage.committed_all)
        assert [one.event_id for one in decided(world)[50:]] == [
            f"e{number}" for number in range(1_000, 1_050)
        ]

    in_virtual_time(scenario())


def test_decisions_read_again_are_read_in_slices_too() -> None:
    """A long stretch of recorded decisions holds the event loop no longer than deciding does."""

    async def scenario() -> None:
        world = World({0: some_events(3_000)}, held={"commit": asyncio.Event()})
        async with selecting(stage := Stage(world)):
            await stage.until(lambda: len(decided(world)) == 3_000)
        del world.held["commit"]
        stage = Stage(world)
        taken: list[float] = []
        known_id = stage.selector._decider.event_id

        def slow_id(record: SourceRecord) -> str | None:
            stage.clock.spend(0.0005)
            taken.append(stage.clock.monotonic())
            return known_id(record)

        stage.selector._decider.event_id = slow_id  # type: ignore[method-assign]
        async with selecting(stage):
            await stage.until(stage.committed_all)
        assert len(taken) == 3_000
        assert stage.selector.events_decided == 0
        fitting = int(SLICE_SECONDS / 0.0005)
        assert fitting / 2 <= stage.selector._batch_limit <= fitting

    in_virtual_time(scenario())
