"""Poison in the stream: set aside while it is little, and a clear stop when it is most of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from loadtest.inside.doubles import World
from loadtest.inside.stage import Stage, decided, event, selecting
from loadtest.inside.virtual_time import in_virtual_time
from streamsel.codec import decode_dead_letter
from streamsel.ports import SourceUnavailable
from streamsel.services.selector import LARGEST_BATCH, PoisonFlood


def stream(count: int, poisonous: Callable[[int], bool]) -> World:
    return World({0: [b"poison" if poisonous(number) else event(number) for number in range(count)]})


async def run_to_its_end(stage: Stage) -> None:
    async with asyncio.timeout(60.0):
        await stage.selector.run()


@pytest.mark.parametrize(
    "poisonous",
    [
        lambda number: number % 2 == 0,
        lambda number: number % 20 < 9,
        lambda number: number % 1_000 < 490,
        lambda number: number < 500,
        lambda number: number % 1_000 >= 500,
    ],
    ids=["every second", "45 % evenly", "49 % in blocks", "the first 500", "every second block"],
)
def test_up_to_half_is_set_aside(poisonous: Callable[[int], bool]) -> None:
    """Half of the last 1,000 events is not more than half: the stream goes on to its end."""

    async def scenario() -> None:
        stage = Stage(world := stream(5_000, poisonous))
        async with selecting(stage):
            await stage.until(stage.committed_all)
        assert len(world.letters) == sum(map(poisonous, range(5_000)))
        assert len(decided(world)) == 5_000 - len(world.letters)

    in_virtual_time(scenario())


@pytest.mark.parametrize(
    ("poisonous", "first"),
    [
        (lambda _: True, 1_000),
        (lambda number: number % 100 < 51, 1_000),
        (lambda number: number >= 2_000, 2_501),
    ],
    ids=["all", "51 %", "from event 2000 on"],
)
def test_more_than_half_stops_the_stream(poisonous: Callable[[int], bool], first: int) -> None:
    """The selector ends with a clear error once more than 500 of 1,000 are poison, and not before."""

    async def scenario() -> None:
        stage = Stage(world := stream(5_000, poisonous))
        with pytest.raises(PoisonFlood) as stopped:
            await run_to_its_end(stage)
        seen = len(world.letters) + stage.selector.events_decided
        assert first <= seen < first + LARGEST_BATCH
        said = str(stopped.value)
        assert "of the last 1000 events could not be read" in said
        assert "not_json" in said
        assert f"events:0:{decode_dead_letter(world.letters[-1]).source.offset}" in said
        assert world.committed.get(0, 0) <= seen

    in_virtual_time(scenario())


def test_fewer_than_a_thousand_events_never_stop_it() -> None:
    """999 poisonous records are too few to tell."""

    async def scenario() -> None:
        stage = Stage(world := stream(999, lambda _: True))
        async with selecting(stage):
            await stage.until(stage.committed_all)
        assert len(world.letters) == 999

    in_virtual_time(scenario())


def test_dead_letters_wait_for_their_server() -> None:
    """While the dead letters can't be written, the position before them is not committed past."""

    async def scenario() -> None:
        world = stream(50, lambda number: number == 20)
        world.outages["letters"] = SourceUnavailable("away")
        stage = Stage(world)
        async with selecting(stage):
            await asyncio.sleep(30.0)
            assert world.committed.get(0, 0) <= 20
            world.outages.clear()
            await stage.until(stage.committed_all)
        assert [decode_dead_letter(one).source.offset for one in world.letters] == [20]

    in_virtual_time(scenario())
