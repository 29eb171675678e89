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
