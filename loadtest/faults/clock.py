"""A clock that jumps by an hour under processes at work."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from loadtest.faults.fault import Seen
from loadtest.faults.rig import Rig
from loadtest.inside import shifted_clock

JUMP_SECONDS = 3_600


async def clock_forward(running: Rig, seconds: float) -> Seen:
    """A selector and the desk are suddenly an hour ahead of all others."""
    return await _jump(running, JUMP_SECONDS, seconds)


async def clock_back(running: Rig, seconds: float) -> Seen:
    """A selector and the desk are suddenly an hour behind all others."""
    return await _jump(running, -JUMP_SECONDS, seconds)


async def _jump(running: Rig, jump_seconds: int, seconds: float) -> Seen:
    """There and back again, with work going on: every partition is decided and answers are confirmed."""
    told = running.services.directory / "clock"
    _set(told, 0)
    folders = [*shifted_clock.__path__, *filter(None, [os.environ.get("PYTHONPATH")])]
    for process in (running.selectors[0], running.desk):
        process.under = ("env", f"PYTHONPATH={os.pathsep.join(folders)}", f"SHIFTED_CLOCK_FILE={told}")
        await running.again(process)
    await running.scoring()
    await running.labelling()
    decided, asked = await _so_far(running)
    refused, confirmed = running.refused, len(running.acknowledged)
    _set(told, jump_seconds)
    await running.scoring()
    await running.labelling()
    await asyncio.sleep(seconds)
    decided_then, asked_then = await _so_far(running)
    confirmed_then, refused_then = len(running.acknowledged), running.refused
    _set(told, 0)
    return {
        "jump_seconds": jump_seconds,
        "decided_meanwhile": decided_then - decided,
        "asked_meanwhile": asked_then - asked,
        "confirmed_meanwhile": confirmed_then - confirmed,
        "answers_refused": refused_then - refused,
    }


def _set(told: Path, seconds: int) -> None:
    """At once, for it is being read."""
    next_told = told.with_suffix(".next")
    next_told.write_text(str(seconds))
    next_told.replace(told)


async def _so_far(running: Rig) -> tuple[int, int]:
    """The events decided, and those asked about."""
    decisions = [record.content for record in await running.streams.records("decisions")]
    return len(decisions), sum("query" in decision for decision in decisions)
