"""A selector that dies between any two effects, again and again, over random streams in virtual time.

Every effect on the world around it is passed twice, before and after it happened; at each passage of a run
without a death another run dies. Then a selector with another opinion on everything goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from random import Random

from loadtest.inside.doubles import Crash, ScorerDouble, World
from loadtest.inside.stage import Stage, decided, event, selecting
from loadtest.inside.virtual_time import in_virtual_time
from loadtest.outside.counts import Counts
from streamsel.codec import decode_dead_letter

LONGEST_STREAM = 60
_DEAD_SECONDS = 1.0
"""After a death, for what was sent to arrive."""


class MortalWorld(World):
    """Lets a process take so many steps, and counts them."""

    def __init__(self, events: list[bytes]) -> None:
        super().__init__({0: events})
        self.lives = -1
        self.steps = 0

    async def reach(self, step: str) -> None:
        """See ``World``. Raises ``Crash`` when the lives are used up, and ever after."""
        await super().reach(step)
        if step in _IDLE:
            return
        if self.lives == self.steps:
            raise Crash
        self.steps += 1


_IDLE = ("poll", "report")
"""Steps without an effect, which a selector with nothing to do takes for ever."""


def selector_crashes(seed: int) -> Iterator[Counts]:
    """The counts after a death at each step of one random history."""
    draw = Random(seed)
    events = [_event(draw, number) for number in range(draw.randint(1, LONGEST_STREAM))]
    parts = sorted(draw.sample(range(1, len(events) + 1), k=min(len(events), draw.randint(1, 4))))
    unharmed = MortalWorld([])
    in_virtual_time(_lived(unharmed, events, parts))
    for lives in range(unharmed.steps):
        world = MortalWorld([])
        world.lives = lives
        in_virtual_time(_died(world, events, parts))
        yield _counted(world, len(events))


def _event(draw: Random, number: int) -> bytes:
    if draw.random() < 0.05:
        return b"poison"
    return event(number, draw.choice((0.5, 0.99)))


async def _lived(world: MortalWorld, events: list[bytes], parts: list[int]) -> None:
    stage = Stage(world)
    async with selecting(stage):
        await _arrive(world, events, parts)
        await stage.until(stage.committed_all)


async def _died(world: MortalWorld, events: list[bytes], parts: list[int]) -> None:
    # What a dead process leaves behind is nobody's affair.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    arriving = asyncio.create_task(_arrive(world, events, parts))
    with suppress(Crash):
        await Stage(world).selector.run()
    await asyncio.sleep(_DEAD_SECONDS)
    await arriving
    world.lives = -1
    stage = Stage(world, scorer=ScorerDouble(contrary=True))
    async with selecting(stage):
        await stage.until(stage.committed_all)


async def _arrive(world: World, events: list[bytes], parts: list[int]) -> None:
    """The stream, in parts; all of it in the end."""
    for end in [*parts, len(events)]:
        world.events[0] += events[len(world.events[0]) : end]
        await asyncio.sleep(0.3)


def _counted(world: World, events: int) -> Counts:
    offsets = [one.source.offset for one in decided(world)]
    dead = {decode_dead_letter(one).source.offset for one in world.letters}
    asked = [one.query.query_id for one in decided(world) if one.query is not None]
    return Counts(
        events=events,
        queries=len(asked),
        events_undecided=len(set(range(events)) - set(offsets) - dead),
        events_doubled=len(offsets) - len(set(offsets)) + len(dead & set(offsets)),
        queries_lost=len(set(asked) - world.desk.keys()),
        queries_doubled=len(asked) - len(set(asked)) + len(world.desk.keys() - set(asked)),
    )
