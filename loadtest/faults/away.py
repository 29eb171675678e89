"""Servers that are away, or whose connections have died unnoticed, while events come and reviewers answer."""

from __future__ import annotations

import asyncio

import httpx

from loadtest.faults.fault import Seen
from loadtest.faults.rig import Rig
from loadtest.outside.link import Link
from loadtest.outside.service_process import bearer


async def broker_away(running: Rig, seconds: float) -> Seen:
    """The desk says so meanwhile, and when to come back; reviewers keep what they would answer."""
    return await _away(running, running.broker_link, seconds)


async def store_away(running: Rig, seconds: float) -> Seen:
    """The stream waits, as it is told to by default; the desk says so."""
    return await _away(running, running.store_link, seconds)


async def broker_half_open(running: Rig, seconds: float) -> Seen:  # noqa: ARG001 - over when it is noticed
    """Every connection to the broker stays, and nothing passes any more."""
    running.broker_link.strand()
    return {}


async def store_half_open(running: Rig, seconds: float) -> Seen:  # noqa: ARG001 - over when it is noticed
    """Every connection to the store stays, and nothing passes any more."""
    running.store_link.strand()
    return {}


async def _away(running: Rig, link: Link, seconds: float) -> Seen:
    """For so long, and longer if the desk has not yet said so."""
    await link.cut()
    before = len(running.acknowledged)
    told = asyncio.create_task(running.until(lambda: _says_so(running), "the desk says that it can't answer"))
    await asyncio.sleep(seconds)
    await told
    confirmed = len(running.acknowledged) - before
    await link.open()
    return {"desk_said_so": 1, "confirmed_meanwhile": confirmed}


async def _says_so(running: Rig) -> bool:
    """Whether a claim meets a problem of status 503 with ``Retry-After``."""
    url = running.desk.url
    if url is None:
        return False
    async with httpx.AsyncClient(headers=bearer(running.secrets["ann"]), timeout=30.0) as client:
        try:
            answer = await client.post(f"{url}/v1/claims", json={"count": 1, "wait_seconds": 0})
        except httpx.TransportError:
            return False
    return (
        answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        and answer.headers["content-type"] == "application/problem+json"
        and "Retry-After" in answer.headers
    )
