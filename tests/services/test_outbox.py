"""From decided to done: what is durable is not kept back by what is not yet."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from loadtest.inside.doubles import World
from loadtest.inside.stage import Stage, asked, selecting, some_events
from loadtest.inside.virtual_time import in_virtual_time


class SlowDisk(World):
    """Takes a second for every micro-batch of decisions."""

    async def reach(self, step: str) -> None:
        if step == "durable":
            await asyncio.sleep(1.0)
        await super().reach(step)


def test_queries_are_offered_as_soon_as_their_own_decisions_are_durable() -> None:
    """On a slow disk, too, where many micro-batches are on their way to it at any time."""

    async def scenario() -> None:
        stage = Stage(world := SlowDisk({0: some_events(400)}))
        finished = []
        async with selecting(stage):
            while not stage.committed_all():
                await asyncio.sleep(1.0)
                finished.append(stage.selector.finished)
        written = [at for at, effect in enumerate(world.history) if effect == "durable"]
        assert len(written) > 5
        assert world.history.index("offer") < written[1]
        assert max(later - before for before, later in pairwise(finished)) <= 2
        assert sorted(world.desk) == sorted(asked(world))

    in_virtual_time(scenario())


class CountedDisk(SlowDisk):
    """Knows how many writes were begun, and how many came to their end."""

    begun = ended = 0

    async def reach(self, step: str) -> None:
        self.begun += step == "durable"
        await super().reach(step)
        self.ended += step == "durable"


def test_a_membership_that_ends_takes_back_nothing_that_is_being_written() -> None:
    """Left out, it could not be put before what was written after it, and its events would stay undecided."""

    async def scenario() -> None:
        stage = Stage(world := CountedDisk({0: some_events(400)}))
        async with selecting(stage):
            while not (world.begun and stage.selector.unfinished):  # noqa: ASYNC110 - the time is virtual
                await asyncio.sleep(0.01)
            stage.selector.join_anew("the test says so")
            while not stage.committed_all():  # noqa: ASYNC110
                await asyncio.sleep(1.0)
        assert world.begun == world.ended > 5

    in_virtual_time(scenario())
