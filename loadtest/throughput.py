"""Events a second through one selector on one partition of a real broker, beside its peers."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from loadtest.bench import bench
from loadtest.machine import machine
from loadtest.measure import ContestantFailed, Run
from loadtest.peers.checked import WorkNotDone
from loadtest.peers.contest import Contest
from loadtest.peers.environments import NotInstalled, environment
from loadtest.peers.known import PEERS, Peer

OURS = "streamsel"
LEAST_EVENTS = 5_000


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds``: how often each contestant runs, in turn; the medians count."""

    events: int = 400_000
    rounds: int = 3
    peers: Sequence[str] = tuple(PEERS)
    broker: str | None = None
    """Bootstrap servers of one that is there."""


@dataclass(slots=True)
class Standing:
    """A contestant's runs so far, or why it is out."""

    runs: list[Run] = field(default_factory=list)
    error: str | None = None

    @property
    def events_per_second(self) -> float:
        return statistics.median(run.events_per_second for run in self.runs)

    @property
    def cpu_us_per_event(self) -> float:
        return statistics.median(run.cpu_us_per_event for run in self.runs)

    def figures(self) -> dict[str, Any]:
        """What is told of it, whoever it is."""
        if self.error is not None:
            return {"error": self.error}
        return {
            "events_per_second": round(self.events_per_second),
            "cpu_us_per_event": round(self.cpu_us_per_event, 2),
            "peak_mib": round(max(run.peak_mib for run in self.runs), 1),
        }


def throughput(options: Options) -> dict[str, Any]:
    """Fills a broker, and lets the contestants run in turn, each alone and each over all events of its topic;
    every decision is then compared with what River says of the event.

    A peer that can't be installed or run, or did not do the work, is named with the reason. Raises
    ``ContestantFailed`` or ``WorkNotDone`` when that is ours.
    """
    console = Console(file=sys.stderr)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        standings = asyncio.run(_held(options, progress))
    ours = standings[OURS]
    beside = {name: standing for name, standing in standings.items() if name != OURS}
    ran = {name: standing for name, standing in beside.items() if standing.error is None}
    return {
        "scenario": "throughput",
        "events": options.events,
        "rounds": options.rounds,
        **ours.figures(),
        "memory_growth": round(max(run.memory_growth for run in ours.runs), 4),
        "vs": {
            name: round(ours.events_per_second / standing.events_per_second, 3)
            for name, standing in ran.items()
        },
        "cpu_vs": {
            name: round(ours.cpu_us_per_event / standing.cpu_us_per_event, 3)
            for name, standing in ran.items()
        },
        "peers": {
            name: {
                "version": PEERS[name].version,
                "events": events_of(PEERS[name], options),
                **standing.figures(),
            }
            for name, standing in beside.items()
        },
        "machine": machine(),
    }


def events_of(peer: Peer, options: Options) -> int:
    """How many of the events a peer gets: several of the largest batches, for the first one is not timed."""
    return max(round(options.events * peer.share), LEAST_EVENTS)


def in_turn(names: Sequence[str], turn: int) -> list[str]:
    """Another one begins each turn, and every second turn goes backwards: a drift of the machine favours
    nobody."""
    begin = turn % len(names)
    order = [*names[begin:], *names[:begin]]
    return order[::-1] if turn % 2 else order


async def _held(options: Options, progress: Progress) -> dict[str, Standing]:
    standings = {name: Standing() for name in (OURS, *options.peers)}
    pythons = _environments(options.peers, standings, progress)
    counts = sorted({options.events, *(events_of(PEERS[name], options) for name in options.peers)})
    async with bench(options.broker) as place:
        contest = Contest(place)
        filling = progress.add_task("filling the topics", total=sum(counts))
        await contest.prepare(counts[::-1], lambda count: progress.advance(filling, count))
        running = progress.add_task("runs", total=options.rounds * len(standings))
        for turn in range(options.rounds):
            for name in in_turn(list(standings), turn):
                progress.update(running, description=name)
                if name == OURS:
                    standings[name].runs.append(await asyncio.to_thread(contest.ours))
                elif standings[name].error is None:
                    work = PEERS[name], pythons[name], events_of(PEERS[name], options)
                    try:
                        standings[name].runs.append(await asyncio.to_thread(contest.peer, *work))
                    except (ContestantFailed, WorkNotDone) as error:
                        standings[name].error = str(error)
                progress.advance(running)
    return standings


def _environments(
    names: Sequence[str], standings: dict[str, Standing], progress: Progress
) -> dict[str, Path]:
    """Each peer's Python; made now, which takes a minute the first time."""
    bar = progress.add_task("peers' environments", total=len(names))
    pythons = {}
    for name in names:
        lock = PEERS[name].lock
        try:
            pythons[name] = Path(sys.executable) if lock is None else environment(lock)
        except NotInstalled as error:
            standings[name].error = str(error)
        progress.advance(bar)
    return pythons
