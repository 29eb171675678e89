"""CPU an event of one worker on one partition, beside two workers on two."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.bench import Bench, bench, cpu_seconds
from loadtest.machine import machine
from loadtest.progress import progress_bar

WORKERS = (1, 2)


@dataclass(frozen=True, slots=True)
class Options:
    """``events`` for each partition, ``rounds`` of each number of workers in turn."""

    events: int = 300_000
    rounds: int = 3
    broker: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """``cpu_us_per_event`` is of all processes together."""

    events_per_second: float
    cpu_us_per_event: float


def scaling(options: Options) -> dict[str, Any]:
    """The figures; medians over the rounds."""
    return asyncio.run(_scaling(options))


async def _scaling(options: Options) -> dict[str, Any]:
    runs: dict[int, list[Run]] = {workers: [] for workers in WORKERS}
    with progress_bar("scaling", len(WORKERS) * options.rounds) as advance:
        async with bench(options.broker) as stand:
            for turn in range(options.rounds):
                # The order alternates, so that a drift of the machine favours neither.
                for workers in WORKERS if turn % 2 == 0 else WORKERS[::-1]:
                    run = await one_run(
                        stand, f"{turn}-{workers}.", workers, workers, options.events * workers
                    )
                    runs[workers].append(run)
                    advance(1)
    cpu = {workers: _median([run.cpu_us_per_event for run in runs[workers]]) for workers in WORKERS}
    rate = {workers: _median([run.events_per_second for run in runs[workers]]) for workers in WORKERS}
    return {
        "scenario": "scaling",
        "events_per_partition": options.events,
        "rounds": options.rounds,
        "cpu_us_per_event": {str(workers): round(cpu[workers], 2) for workers in WORKERS},
        "events_per_second": {str(workers): round(rate[workers]) for workers in WORKERS},
        "cpu_ratio": round(cpu[2] / cpu[1], 3),
        "rate_ratio": round(rate[2] / rate[1], 3),
        "machine": machine(),
    }


async def one_run(
    stand: Bench, name: str, workers: int, partitions: int, events: int, **more: Mapping[str, object]
) -> Run:
    """So many processes of one group decide ``events`` events; the topic is filled once all are ready.

    ``name`` is one that no other run on this bench has; ``more`` is configured beside what is common."""
    sections = stand.sections(name, kafka={"partitions": partitions}, **more)
    await stand.train(sections)
    processes = [stand.serve(f"{name}{number}", sections) for number in range(workers)]
    for process in processes:
        await process.ready()
    await _all_at_work(stand, name, partitions)
    pids = [process.process.pid for process in processes]
    before, began = cpu_seconds(*pids), time.monotonic()
    await asyncio.to_thread(stand.fill, stand.events_topic(name), events, partitions)
    await stand.decided(stand.decisions_topic(name), partitions + events, partitions)
    spent, seconds = cpu_seconds(*pids) - before, time.monotonic() - began
    for process in processes:
        await process.end()
    return Run(events / seconds, spent / events * 1e6)


async def _all_at_work(stand: Bench, name: str, partitions: int) -> None:
    """Returns once an event of every partition is decided: the group has settled, and all code is loaded."""
    await asyncio.to_thread(stand.fill, stand.events_topic(name), partitions, partitions)
    await stand.decided(stand.decisions_topic(name), partitions, partitions)


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)
