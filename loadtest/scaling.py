"""CPU an event of one worker on one partition, beside two workers on two."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import psutil

from loadtest.bench import Bench, bench, cpu_seconds
from loadtest.machine import machine
from loadtest.outside.service_process import ServiceProcess
from loadtest.outside.waiting import until
from loadtest.progress import progress_bar

WORKERS = (1, 2)
START_SECONDS = 300.0
"""A model that folds many labels may take so long on a loaded machine."""


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
    """So many workers decide ``events`` events; the topic is filled once all are ready.

    ``name`` is one that no other run on this bench has; ``more`` is configured beside what is common."""
    sections = stand.sections(name, kafka={"partitions": partitions}, **more)
    await stand.train(sections)
    options = ("--workers", str(workers)) if workers > 1 else ()
    process = stand.serve(name, sections, "selector", *options)
    await _all_at_work(stand, name, process, workers, partitions)
    parent = psutil.Process(process.process.pid)
    pids = [parent.pid, *(child.pid for child in parent.children(recursive=True))]
    before, began = cpu_seconds(*pids), time.monotonic()
    await asyncio.to_thread(stand.fill, stand.events_topic(name), events, partitions)
    await stand.decided(stand.decisions_topic(name), partitions + events, partitions)
    spent, seconds = cpu_seconds(*pids) - before, time.monotonic() - began
    await process.end()
    return Run(events / seconds, spent / events * 1e6)


async def _all_at_work(
    stand: Bench, name: str, process: ServiceProcess, workers: int, partitions: int
) -> None:
    """Returns once every worker has partitions, and an event of each of these is decided: the group has
    settled, and all code is loaded."""

    def shared() -> bool:
        newest = [line["partitions"] for line in process.logged("partitions_assigned")[-workers:]]
        return len(newest) == workers and sorted(chain.from_iterable(newest)) == [*range(partitions)]

    await until(
        shared,
        what=f"{workers} workers at work",
        seconds=START_SECONDS,
    )
    await asyncio.to_thread(stand.fill, stand.events_topic(name), partitions, partitions)
    await stand.decided(stand.decisions_topic(name), partitions, partitions)


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)
