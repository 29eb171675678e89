"""A stream that stands still and says nothing: what the watchdog notices, and what it leaves be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from loadtest.inside.doubles import World
from loadtest.inside.stage import Stage, decided, selecting, some_events
from loadtest.inside.virtual_time import in_virtual_time
from streamsel.ports import SourceUnavailable
from streamsel.review.refusals import DeskUnreachable
from streamsel.services.ending import end
from streamsel.services.watchdog import STALL_SECONDS, StreamStalled, Watchdog

RESTARTS = "streamsel_watchdog_restarts_total"


@asynccontextmanager
async def watched(stage: Stage) -> AsyncIterator[asyncio.Task[None]]:
    """The stage's selector at work with its watchdog, whose task is given."""
    watching = asyncio.create_task(Watchdog(stage.selector, stage.clock, stage.metrics).run())
    async with selecting(stage):
        try:
            yield watching
        finally:
            await end(watching)


def test_a_fetch_that_never_ends_is_ended_within_thirty_seconds() -> None:
    """The group is joined anew, and the stream goes on."""

    async def scenario() -> None:
        stage = Stage(world := World({0: some_events(100)}))
        async with watched(stage):
            await stage.until(stage.committed_all)
            world.held["poll"] = asyncio.Event()
            await asyncio.sleep(600.0)  # nothing waits: nothing is wrong
            assert stage.source.starts == 1
            world.events[0] += some_events(100, 100)
            await stage.until(lambda: stage.source.starts == 2, within_seconds=30.0)
            world.held.pop("poll").set()
            await stage.until(stage.committed_all)
        assert stage.metric(RESTARTS, part="selector") == 1.0
        assert [one.source.offset for one in decided(world)] == list(range(200))

    in_virtual_time(scenario())


def test_when_a_new_membership_moves_nothing_either_the_process_ends() -> None:
    """A producer that has stalled outlives the membership: only another process has another."""

    async def scenario() -> None:
        stage = Stage(world := World({0: some_events(100)}, held={"durable": asyncio.Event()}))
        async with watched(stage) as watching:
            await asyncio.wait([watching], timeout=4 * STALL_SECONDS)
            assert watching.done()
            with pytest.raises(StreamStalled, match="twice"):
                watching.result()
        assert stage.source.starts == 2
        del world.held["durable"]
        async with selecting(stage := Stage(world)):
            await stage.until(stage.committed_all)
        assert sorted(one.source.offset for one in decided(world)) == list(range(100))

    in_virtual_time(scenario())


def test_a_source_that_is_still_joining_is_not_asked_anything() -> None:
    """Its client may be half made."""

    async def scenario() -> None:
        stage = Stage(World({0: some_events(100)}, held={"join": (join := asyncio.Event())}))
        asked: list[int] = []

        async def lag() -> int:
            asked.append(stage.source.starts)
            return 0

        stage.source.lag = lag  # type: ignore[method-assign]
        async with watched(stage) as watching:
            await asyncio.sleep(600.0)
            assert not asked
            assert not watching.done()
            join.set()
            await stage.until(stage.committed_all)
            await stage.until(lambda: asked)
            assert asked == [1] * len(asked)

    in_virtual_time(scenario())


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        (("offer", "report"), DeskUnreachable("connection refused")),
        (("poll", "join"), SourceUnavailable("the broker is away")),
    ],
    ids=["desk", "broker"],
)
def test_an_outage_is_waited_out(steps: tuple[str, ...], error: Exception) -> None:
    """However long it takes: who waits for a server has not stalled."""

    async def scenario() -> None:
        stage = Stage(world := World({0: some_events(100)}))
        async with watched(stage) as watching:
            await stage.until(stage.committed_all)
            world.outages |= dict.fromkeys(steps, error)
            await asyncio.sleep(1.0)
            world.events[0] += some_events(100, 100)
            await asyncio.sleep(600.0)
            assert not watching.done()
            world.outages.clear()
            await stage.until(stage.committed_all)
        assert stage.metric(RESTARTS, part="selector") == 0.0

    in_virtual_time(scenario())
