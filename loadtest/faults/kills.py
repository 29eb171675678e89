"""kill -9 of selectors, the desk, the store and the broker, at random, with work in flight."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from loadtest.faults.rig import Rig, rig
from loadtest.faults.settling import counted
from loadtest.outside.counts import Counts
from loadtest.outside.forked import start_forked
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka

ROUND = 100
"""Kills before all is brought to rest and counted; the next round begins with nothing."""
SHARES = {"selector": 0.8, "other selector": 0.8, "desk": 0.9, "store": 0.3, "broker": 0.05}
"""How many of the strokes hit each."""
TIMES = {"selector": 3, "other selector": 3, "desk": 3, "store": 2, "broker": 1}
"""How often one stroke does, at most."""
STROKE_SECONDS = 3.0
"""Its kills fall at random within this time: some on processes that are still starting."""
EVENTS_PER_SECOND = 100.0

Kill = Callable[[], Awaitable[None]]


async def kills(
    count: int, seed: int, advance: Callable[[float], None], *, round_kills: int = ROUND
) -> tuple[Counts, Mapping[str, int]]:
    """What came of so many, in rounds, and how many hit what. The same seed draws the same kills; what they
    meet is up to the machine. The processes are forked and the model is small, so that a kill is cheap."""
    counts, hit = Counts(), Counter[str]()
    for number, begun in enumerate(range(0, count, round_kills)):
        async with rig(
            seed + number, events_per_second=EVENTS_PER_SECOND, preset="logistic", launch=start_forked
        ) as running:
            left = min(round_kills, count - begun)
            while left > 0:
                struck = await _stroke(running, left)
                hit.update(struck)
                left -= len(struck)
                advance(len(struck))
            counts += await counted(running)
    return counts, hit


async def _stroke(running: Rig, most: int) -> list[str]:
    """Kills some of all there is, and returns what, once events are decided and answers confirmed again."""
    draw, victims = running.draw, _victims(running)
    struck = [
        name for name in victims if draw.random() < SHARES[name] for _ in range(draw.randint(1, TIMES[name]))
    ][:most]
    moments = {
        name: sorted(draw.uniform(0.0, STROKE_SECONDS) for _ in range(times))
        for name, times in Counter(struck).items()
    }
    await asyncio.gather(*[_at(some, victims[name]) for name, some in moments.items()])
    await running.scoring()
    await running.labelling()
    return [name.removeprefix("other ") for name in struck]


def _victims(running: Rig) -> Mapping[str, Kill]:
    async def service(index: int) -> None:
        victim = running.processes[index]
        victim.kill()
        victim.start()

    async def server(victim: EmbeddedValkey | LocalKafka) -> None:
        victim.kill()
        await asyncio.to_thread(victim.start)

    return {
        "selector": lambda: service(0),
        "other selector": lambda: service(1),
        "desk": lambda: service(2),
        "store": lambda: server(running.store),
        "broker": lambda: server(running.broker),
    }


async def _at(moments: Sequence[float], kill: Kill) -> None:
    """At these seconds from now, or as soon as what was killed before is begun."""
    began = asyncio.get_running_loop().time()
    for moment in moments:
        await asyncio.sleep(began + moment - asyncio.get_running_loop().time())
        await kill()
