"""From starting a process to its first decision: on an empty log, and after a kill with many labels."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import Any

from loadtest.bench import Bench, bench
from loadtest.machine import machine
from loadtest.outside.service_process import ServiceProcess
from loadtest.progress import progress_bar


@dataclass(frozen=True, slots=True)
class Options:
    """``labels`` in the log of the process that is killed; ``rounds`` of both starts."""

    labels: int = 100_000
    rounds: int = 3
    broker: str | None = None


def start(options: Options) -> dict[str, Any]:
    """The figures, in seconds; medians over the rounds."""
    return asyncio.run(_start(options))


async def _start(options: Options) -> dict[str, Any]:
    cold, killed = [], []
    with progress_bar("start", 1 + 2 * options.rounds) as advance:
        async with bench(options.broker) as stand:
            await _cold(stand, "compiled.")  # as an installed program is
            advance(1)
            for turn in range(options.rounds):
                cold.append(await _cold(stand, f"cold-{turn}."))
                advance(1)
            sections = stand.sections("killed.")
            await stand.train(sections, options.labels)
            process = stand.serve("killed", sections)
            await process.ready()
            await _first_decision(stand, "killed.")
            for _ in range(options.rounds):
                killed.append(await _killed(stand, process))
                advance(1)
    return {
        "scenario": "start",
        "labels": options.labels,
        "rounds": options.rounds,
        "cold_seconds": round(statistics.median(cold), 2),
        "cold_seconds_rounds": [round(one, 2) for one in cold],
        "after_kill_seconds": round(statistics.median(killed), 2),
        "after_kill_seconds_rounds": [round(one, 2) for one in killed],
        "machine": machine(),
    }


async def _cold(stand: Bench, name: str) -> float:
    """On an empty log, topics made, an event waiting; desk and selector in one process."""
    sections = stand.sections(name)
    await stand.train(sections, labels=0)
    await asyncio.to_thread(stand.fill, stand.events_topic(name), 1)
    began = time.monotonic()
    process = stand.serve(name, sections, "both")
    await stand.decided(stand.decisions_topic(name), 1)
    seconds = time.monotonic() - began
    await process.end()
    return seconds


async def _killed(stand: Bench, process: ServiceProcess) -> float:
    """kill -9, an event that comes meanwhile, and a start at once."""
    process.kill()
    decided = stand.records(stand.decisions_topic("killed."))
    await asyncio.to_thread(stand.fill, stand.events_topic("killed."), 1)
    began = time.monotonic()
    process.start()
    await stand.decided(stand.decisions_topic("killed."), decided + 1)
    return time.monotonic() - began


async def _first_decision(stand: Bench, name: str) -> None:
    await asyncio.to_thread(stand.fill, stand.events_topic(name), 1)
    await stand.decided(stand.decisions_topic(name), 1)
