"""Servers that are away, or whose connections have died unnoticed, while events come and reviewers answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import httpx

from loadtest.faults.rig import Rig, rig
from loadtest.faults.settling import counted
from loadtest.outside.counts import Counts
from loadtest.outside.link import Link
from loadtest.outside.service_process import bearer

Fault = Callable[[Rig, float], Awaitable[None]]


async def outages(
    seconds: float, seed: int, advance: Callable[[float], None]
) -> tuple[Counts, Mapping[str, float]]:
    """Each fault on a rig of its own, for so long; what was lost in all of them, and the seconds from each
    one's end until every partition is decided and answers are confirmed again."""
    counts, recoveries = Counts(), {}
    for name, fault in FAULTS.items():
        async with rig(seed) as running:
            await running.labelling()
            await fault(running, seconds)
            began = time.monotonic()
            await running.scoring()
            await running.labelling()
            recoveries[name] = time.monotonic() - began
            counts += await counted(running)
        advance(1)
    return counts, recoveries


async def _broker_away(running: Rig, seconds: float) -> None:
    """The desk says so meanwhile, and when to come back."""
    await running.broker_link.cut()
    told = asyncio.create_task(running.until(lambda: _says_so(running), "the desk says that it can't answer"))
    await asyncio.sleep(seconds)
    await told
    await running.broker_link.open()


async def _store_away(running: Rig, seconds: float) -> None:
    await _away(running.store_link, seconds)


async def _broker_half_open(running: Rig, seconds: float) -> None:  # noqa: ARG001 - over when it is noticed
    running.broker_link.strand()


async def _store_half_open(running: Rig, seconds: float) -> None:  # noqa: ARG001 - over when it is noticed
    running.store_link.strand()


async def _away(link: Link, seconds: float) -> None:
    await link.cut()
    await asyncio.sleep(seconds)
    await link.open()


async def _says_so(running: Rig) -> bool:
    """Whether a claim meets 503 with ``Retry-After``."""
    url = running.desk.url
    if url is None:
        return False
    async with httpx.AsyncClient(headers=bearer(running.secrets["ann"]), timeout=30.0) as client:
        try:
            answer = await client.post(f"{url}/v1/claims", json={"count": 1, "wait_seconds": 0})
        except httpx.TransportError:
            return False
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and "Retry-After" in answer.headers


FAULTS: Mapping[str, Fault] = {
    "broker_away": _broker_away,
    "store_away": _store_away,
    "broker_half_open": _broker_half_open,
    "store_half_open": _store_half_open,
}
