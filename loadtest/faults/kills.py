"""kill -9 of selectors, the desk, the store and the broker, at random, with work in flight."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from loadtest.faults.rig import Rig, rig
from loadtest.faults.settling import counted
from loadtest.outside.counts import Counts

ROUND = 100
"""Kills before all is brought to rest and counted; the next round begins with nothing."""
SERVER_SHARE = 0.1
"""Of the strokes: those that hit the store or the broker; the others hit a selector and the desk at once."""
PAUSE_SECONDS = 0.5

Recoveries = Mapping[str, Sequence[float]]
"""Seconds from each kill, by what was killed."""


async def kills(count: int, seed: int, advance: Callable[[float], None]) -> tuple[Counts, Recoveries]:
    """So many, in rounds. The same seed draws the same kills; what they meet is up to the machine."""
    counts, recoveries = Counts(), defaultdict[str, list[float]](list)
    for number, begun in enumerate(range(0, count, ROUND)):
        async with rig(seed + number) as running:
            left = min(ROUND, count - begun)
            while left > 0:
                await running.labelling()
                struck = await _strike(running, left)
                for kind, seconds in struck:
                    recoveries[kind].append(seconds)
                left -= len(struck)
                advance(len(struck))
                await asyncio.sleep(PAUSE_SECONDS * running.draw.random())
            counts += await counted(running)
    return counts, recoveries


async def _strike(running: Rig, most: int) -> Sequence[tuple[str, float]]:
    """Kills one server, or a selector and the desk at once; returns when they are back."""
    if running.draw.random() < SERVER_SHARE:
        return [await running.draw.choice((_kill_store, _kill_broker))(running)]
    return await asyncio.gather(*(kill(running) for kill in (_kill_selector, _kill_desk)[:most]))


async def _kill_selector(running: Rig) -> tuple[str, float]:
    """Back when every partition is decided again, by whichever selector."""
    victim = running.draw.choice(running.selectors)

    async def kill() -> None:
        victim.kill()
        victim.start()

    return "selector", await seconds_until(kill, running.scoring)


async def _kill_desk(running: Rig) -> tuple[str, float]:
    async def kill() -> None:
        running.desk.kill()
        running.desk.start()

    return "desk", await seconds_until(kill, running.answering)


async def _kill_store(running: Rig) -> tuple[str, float]:
    async def kill() -> None:
        running.store.kill()
        await asyncio.to_thread(running.store.start)

    return "store", await seconds_until(kill, running.labelling)


async def _kill_broker(running: Rig) -> tuple[str, float]:
    """Back when events are decided and answers are confirmed."""

    async def kill() -> None:
        running.broker.kill()
        await asyncio.to_thread(running.broker.start)

    async def working() -> None:
        await running.scoring()
        await running.labelling()

    return "broker", await seconds_until(kill, working)


async def seconds_until(
    stroke: Callable[[], Awaitable[None]], recovered: Callable[[], Awaitable[None]]
) -> float:
    """From the beginning of the stroke to the recovery."""
    began = time.monotonic()
    await stroke()
    await recovered()
    return time.monotonic() - began
