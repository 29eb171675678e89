"""How much a selector may ask: its event rate, the room that is left, and the desk's outages."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from loadtest.inside.doubles import BUSY, DeskDouble, World
from loadtest.inside.virtual_time import LoopClock, in_virtual_time
from streamsel.metrics import Metrics
from streamsel.review.refusals import DeskUnreachable
from streamsel.selection import CapacityFacts, CapacityPolicy
from streamsel.selection.budget import Budget
from streamsel.services.pacing import NOTHING, REPORT_SECONDS, EventRate, OnOutage, Pacing, Spending

POLICY = CapacityPolicy(budget=0.5, explore=0.2, target_backlog=20, expire_seconds=900.0)
AWAY = DeskUnreachable("connection refused")


def pacing_over(world: World, on_outage: OnOutage = "pause") -> tuple[Pacing, Metrics]:
    metrics = Metrics()
    pacing = Pacing("one", DeskDouble(world), POLICY, on_outage, LoopClock(), metrics)  # type: ignore[arg-type]
    return pacing, metrics


def measured(rate: EventRate, events_per_second: float, since: float, seconds: float) -> float:
    """What is measured at the end of some seconds at this rate."""
    steps = round(seconds / REPORT_SECONDS)
    found = 0.0
    for step in range(1, steps + 1):
        rate.count(round(events_per_second * REPORT_SECONDS))
        found = rate.per_second(since + step * REPORT_SECONDS)
    return found


def test_a_steady_rate_is_measured_from_the_first_report_on() -> None:
    """The averages start from what was first seen, not from nothing."""
    rate = EventRate(now=0.0)
    assert measured(rate, 400.0, 0.0, REPORT_SECONDS) == pytest.approx(400.0)
    assert measured(rate, 400.0, REPORT_SECONDS, 10.0) == pytest.approx(400.0)


def test_a_burst_is_felt_at_once_and_forgotten_slowly() -> None:
    """Half a second of ten times the events shows; half a second of quiet hardly does."""
    rate = EventRate(now=0.0)
    measured(rate, 400.0, 0.0, 20.0)
    assert measured(rate, 4_000.0, 20.0, 0.5) > 2_500.0
    measured(rate, 4_000.0, 20.5, 20.0)
    assert measured(rate, 0.0, 40.5, 0.5) > 3_000.0
    assert measured(rate, 0.0, 41.0, 60.0) < 1.0


def test_no_time_between_two_measurements() -> None:
    """Asked twice at one moment, the rate is what it was."""
    rate = EventRate(now=0.0)
    rate.count(100)
    assert rate.per_second(1.0) == rate.per_second(1.0) == pytest.approx(100.0)


def test_what_was_spent_is_taken_off_the_room() -> None:
    """Queries for utility and expected exploration lessen the room until the desk has them and tells."""

    async def scenario() -> None:
        pacing, _ = pacing_over(World())
        await pacing.report()
        assert [pacing.rate.room, pacing.rate.explore_room] == pytest.approx([40, 8.2])
        pacing.spent(100, Spending(10, 2.5))
        assert [pacing.rate.room, pacing.rate.explore_room] == pytest.approx([27, 5.7])
        pacing.spent(100, Spending(100, 100.0))
        assert [pacing.rate.room, pacing.rate.explore_room] == [0, 0.0]
        await pacing.report()
        assert pacing.rate.room == 0, "nothing has reached the desk yet"
        pacing.landed(Spending(110, 102.5))
        assert pacing.rate.room == 0, "the desk has not told of it yet"
        await pacing.report()
        assert [pacing.rate.room, pacing.rate.explore_room] == pytest.approx([40, 8.2])

    in_virtual_time(scenario())


def test_what_is_spent_during_a_report_counts_after_it() -> None:
    """The facts may be older than what was decided while they were on their way."""

    async def scenario() -> None:
        world = World()
        pacing, _ = pacing_over(world)
        await pacing.report()
        pacing.spent(100, Spending(7, 0.0))
        pacing.landed(Spending(7, 0.0))
        world.held["report"] = asyncio.Event()
        reporting = asyncio.create_task(pacing.report())
        await asyncio.sleep(0.1)
        pacing.spent(100, Spending(5, 1.0))
        pacing.landed(Spending(5, 1.0))
        world.held.pop("report").set()
        await reporting
        assert pacing.rate.room == 34

    in_virtual_time(scenario())


@pytest.mark.parametrize("on_outage", ["pause", "shed"])
def test_an_outage_and_its_end(on_outage: OnOutage) -> None:
    """Nothing may be asked meanwhile; ``pause`` closes the stream as well; both are told once."""

    async def scenario() -> None:
        pacing, metrics = pacing_over(world := World(), on_outage)
        value = metrics.registry.get_sample_value
        running = asyncio.create_task(pacing.run())
        await asyncio.sleep(0.1)
        assert pacing.open
        assert pacing.rate.fraction == 0.5
        with capture_logs() as logs:
            world.outages["report"] = AWAY
            await asyncio.sleep(10.0)
            assert pacing.rate == NOTHING
            assert pacing.open == (on_outage == "shed")
            assert value("streamsel_desk_outage", {"mode": on_outage}) == 1.0
            assert value("streamsel_query_fraction") == 0.0
            del world.outages["report"]
            await asyncio.wait_for(pacing.may_consume(), timeout=1.0)
            await asyncio.sleep(1.0)
        assert pacing.open
        assert pacing.rate.fraction == 0.5
        assert value("streamsel_desk_outage", {"mode": on_outage}) == 0.0
        assert value("streamsel_query_fraction") == 0.5
        assert [log["event"] for log in logs] == ["desk_unreachable", "desk_reachable"]
        running.cancel()

    in_virtual_time(scenario())


def test_the_stream_waits_for_the_first_facts() -> None:
    """With ``pause`` nothing is consumed before it is known how much may be asked; to shed needs no facts."""

    async def scenario() -> None:
        paused, _ = pacing_over(World())
        shedding, _ = pacing_over(World(), "shed")
        assert not paused.open
        assert shedding.open
        assert paused.rate == shedding.rate == NOTHING

    in_virtual_time(scenario())


def test_the_budget_by_the_clock_is_kept() -> None:
    """Where it is smaller than what the reviewers bear it decides; what is asked is charged to it."""

    async def scenario() -> None:
        metrics, budget = Metrics(), Budget(labels_per_hour=360.0)
        pacing = Pacing("one", DeskDouble(World()), POLICY, "pause", LoopClock(), metrics, budget)  # type: ignore[arg-type]
        pacing.spent(1_000, Spending())
        await asyncio.sleep(1.0)
        await pacing.report()
        even = pacing.rate.fraction
        assert even == pytest.approx(0.1 / BUSY.events_per_second, rel=0.1)
        assert pacing.rate.explore_fraction == pytest.approx(0.2 * even)
        pacing.spent(0, Spending(10, 0.0), queries=10, cost=10.0)
        await pacing.report()
        assert pacing.rate.fraction == 0.0

    in_virtual_time(scenario())


def test_the_events_of_this_selector_are_reported() -> None:
    """The desk is told this selector's own rate, under its name."""

    async def scenario() -> None:
        told: list[tuple[str, int]] = []

        class Desk(DeskDouble):
            async def report(self, selector: str, events_per_second: float) -> CapacityFacts:
                told.append((selector, round(events_per_second)))
                return BUSY

        pacing = Pacing("me", Desk(World()), POLICY, "pause", LoopClock(), Metrics())  # type: ignore[arg-type]
        pacing.spent(500, Spending())
        await asyncio.sleep(1.0)
        await pacing.report()
        assert told == [("me", 500)]

    in_virtual_time(scenario())


def test_while_labels_have_stopped_to_pay_only_exploration_is_asked_about() -> None:
    """From one report to the next, and back: what the desk can bear is as it was."""

    async def scenario() -> None:
        resting = False
        pacing = Pacing(
            "one",
            DeskDouble(World()),  # type: ignore[arg-type]
            POLICY,
            "pause",
            LoopClock(),
            Metrics(),
            resting=lambda: resting,
        )
        await pacing.report()
        working = pacing.rate
        assert working.fraction > working.explore_fraction > 0.0
        resting = True
        await pacing.report()
        assert pacing.rate.fraction == pacing.rate.explore_fraction == working.explore_fraction
        resting = False
        await pacing.report()
        assert pacing.rate == working

    in_virtual_time(scenario())
