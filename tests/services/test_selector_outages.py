"""The desk away: the stream is paused, or goes on without queries; and stopping, whatever is away."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from loadtest.inside.doubles import World
from loadtest.inside.stage import Stage, asked, decided, selecting, some_events
from loadtest.inside.virtual_time import in_virtual_time
from streamsel.ports import SourceUnavailable
from streamsel.review.refusals import DeskUnreachable
from streamsel.services.pacing import OnOutage

AWAY = DeskUnreachable("connection refused")


def take_desk_away(world: World) -> None:
    world.outages["offer"] = world.outages["report"] = AWAY


def bring_desk_back(world: World) -> None:
    del world.outages["offer"], world.outages["report"]


def test_the_stream_is_paused_until_the_desk_is_back() -> None:
    """Hardly anything is decided meanwhile, nothing without its query, and all of it afterwards."""

    async def scenario() -> None:
        stage = Stage(world := World({0: some_events(300)}))
        with capture_logs() as logs:
            async with selecting(stage):
                await stage.until(stage.committed_all)
                take_desk_away(world)
                await asyncio.sleep(1.0)
                world.events[0] += some_events(300, 300)
                await asyncio.sleep(600.0)
                assert len(decided(world)) == 300
                assert stage.metric("streamsel_desk_outage", mode="pause") == 1.0
                assert stage.metric("streamsel_query_fraction") == 0.0
                bring_desk_back(world)
                await stage.until(stage.committed_all)
                assert stage.metric("streamsel_desk_outage", mode="pause") == 0.0
        assert [one.source.offset for one in decided(world)] == list(range(600))
        assert set(world.desk) == set(asked(world))
        assert any(one.query for one in decided(world)[300:])
        told = [(log["event"], log["log_level"]) for log in logs if log["event"].startswith("desk_")]
        assert told == [("desk_unreachable", "error"), ("desk_reachable", "info")]

    in_virtual_time(scenario())


def test_a_poll_under_way_when_the_desk_goes_is_decided_when_it_is_back() -> None:
    """Its events would otherwise be decided with nothing to spend, and never be asked about."""

    async def scenario() -> None:
        stage = Stage(world := World({0: some_events(300)}))
        async with selecting(stage):
            await stage.until(stage.committed_all)
            polling = world.held["poll"] = asyncio.Event()
            await asyncio.sleep(1.0)
            world.events[0] += some_events(300, 300)
            take_desk_away(world)
            await asyncio.sleep(1.0)
            assert stage.metric("streamsel_desk_outage", mode="pause") == 1.0
            polling.set()
            await asyncio.sleep(60.0)
            assert len(decided(world)) == 300
            bring_desk_back(world)
            await stage.until(stage.committed_all)
        assert any(one.query for one in decided(world)[300:])

    in_virtual_time(scenario())


def test_queries_in_flight_wait_for_the_desk() -> None:
    """An offer that fails is made again when the desk is back, and its position is committed only then."""

    async def scenario() -> None:
        world = World({0: some_events(300)}, held={"offer": asyncio.Event()})
        stage = Stage(world)
        async with selecting(stage):
            await stage.until(lambda: len(decided(world)) > 100)
            take_desk_away(world)
            world.held.pop("offer").set()
            await asyncio.sleep(60.0)
            waiting = [one for one in decided(world) if one.query]
            assert waiting
            assert world.desk == {}
            assert world.committed.get(0, 0) <= waiting[0].source.offset
            bring_desk_back(world)
            await stage.until(stage.committed_all)
        assert set(world.desk) == set(asked(world))

    in_virtual_time(scenario())


def test_shedding_goes_on_without_queries() -> None:
    """Every event is decided, none asked about, and the outage is told in a metric and one log line."""

    async def scenario() -> None:
        stage = Stage(world := World({0: some_events(300)}), on_outage="shed")
        with capture_logs() as logs:
            async with selecting(stage):
                await stage.until(stage.committed_all)
                take_desk_away(world)
                await asyncio.sleep(1.0)
                world.events[0] += some_events(300, 300)
                await stage.until(stage.committed_all)
                assert stage.metric("streamsel_desk_outage", mode="shed") == 1.0
                bring_desk_back(world)
                await asyncio.sleep(1.0)
                world.events[0] += some_events(300, 600)
                await stage.until(stage.committed_all)
        assert [one.source.offset for one in decided(world)] == list(range(900))
        assert not any(one.query or one.propensity for one in decided(world)[300:600])
        assert any(one.query for one in decided(world)[600:])
        told = [log for log in logs if log["event"].startswith("desk_")]
        assert [log["event"] for log in told] == ["desk_unreachable", "desk_reachable"]
        assert {log["on_desk_outage"] for log in told} == {"shed"}

    in_virtual_time(scenario())


def test_what_was_shed_is_offered_when_the_desk_is_back() -> None:
    """Queries decided before the outage was noticed are counted, kept, and offered with the next events."""

    async def scenario() -> None:
        world = World({0: some_events(300)}, held={"offer": asyncio.Event()})
        stage = Stage(world, on_outage="shed")
        async with selecting(stage):
            await stage.until(lambda: len(decided(world)) == 300)
            take_desk_away(world)
            world.held.pop("offer").set()
            await stage.until(stage.committed_all)
            kept = asked(world)
            assert kept
            assert world.desk == {}
            assert stage.metric("streamsel_shed_queries_total") == len(kept)
            bring_desk_back(world)
            await asyncio.sleep(1.0)
            world.events[0] += some_events(10, 300)
            await stage.until(stage.committed_all)
        assert set(kept) <= set(world.desk)
        assert len(world.offers) == len(set(world.offers))

    in_virtual_time(scenario())


def test_nothing_is_consumed_before_the_desk_has_answered_once() -> None:
    """With ``pause``, a desk that is away from the start is waited for."""

    async def scenario() -> None:
        world = World({0: some_events(10)}, outages={"report": AWAY})
        stage = Stage(world)
        async with selecting(stage):
            await asyncio.sleep(60.0)
            assert decided(world) == []
            del world.outages["report"]
            await stage.until(stage.committed_all)

    in_virtual_time(scenario())


@pytest.mark.parametrize("on_outage", ["pause", "shed"])
@pytest.mark.parametrize(
    "step", ["nothing", "join", "recorded", "poll", "send", "durable", "letters", "offer", "commit", "report"]
)
@pytest.mark.parametrize("fate", ["hangs", "is away"])
def test_stopping_takes_a_few_seconds_whatever_is_wrong(on_outage: OnOutage, step: str, fate: str) -> None:
    """Asked to stop, a selector drains what it can and ends, though a server hangs or refuses for ever."""

    async def scenario() -> None:
        world = World({0: [*some_events(100), b"poison", *some_events(100, 101)]})
        if fate == "hangs":
            world.held[step] = asyncio.Event()
        else:
            world.outages[step] = AWAY if step in ("offer", "report") else SourceUnavailable("away")
        stage = Stage(world, on_outage=on_outage)
        running = asyncio.create_task(stage.selector.run())
        await asyncio.sleep(10.0)
        world.events[0] += some_events(20, 300)
        await asyncio.sleep(0.1)
        asked_to_stop = asyncio.get_running_loop().time()
        stage.selector.stop()
        await running
        assert asyncio.get_running_loop().time() - asked_to_stop <= 4.0
        if step == "nothing":
            assert stage.committed_all()

    in_virtual_time(scenario())


def test_stopping_finishes_what_is_in_flight() -> None:
    """What was polled when the order came is decided, written, offered and committed before the end."""

    async def scenario() -> None:
        world = World({0: some_events(2_000)}, held={"durable": asyncio.Event()})
        stage = Stage(world)
        running = asyncio.create_task(stage.selector.run())
        await stage.until(lambda: stage.selector.events_decided > 500)
        stage.selector.stop()
        await asyncio.sleep(1.0)
        world.held.pop("durable").set()
        await running
        assert world.committed[0] == len(decided(world)) == stage.selector.events_decided
        assert set(world.desk) == set(asked(world))

    in_virtual_time(scenario())
