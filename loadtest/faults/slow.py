"""A link that is slow: what is sent takes long, and not much gets through."""

from __future__ import annotations

import asyncio

from loadtest.faults.fault import Seen
from loadtest.faults.rig import Rig
from loadtest.outside.link import Link

DELAY_SECONDS = 0.15
"""Each way, as to the other side of the world."""
BYTES_PER_SECOND = 250_000.0


async def broker_slow(running: Rig, seconds: float) -> Seen:
    """Events, decisions, labels and heartbeats of the group pass slowly."""
    return await _slow(running, running.broker_link, seconds)


async def store_slow(running: Rig, seconds: float) -> Seen:
    """Claims, answers and queries pass slowly."""
    return await _slow(running, running.store_link, seconds)


async def _slow(running: Rig, link: Link, seconds: float) -> Seen:
    """Work goes on meanwhile: every partition is decided and answers are confirmed."""
    before = len(running.acknowledged)
    link.slow(DELAY_SECONDS, BYTES_PER_SECOND)
    await running.scoring()
    await running.labelling()
    await asyncio.sleep(seconds)
    link.fast()
    return {"confirmed_meanwhile": len(running.acknowledged) - before}
