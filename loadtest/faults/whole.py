"""All faults, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loadtest.faults.crash_points import crash_points
from loadtest.faults.kills import kills
from loadtest.faults.outages import FAULTS, outages
from loadtest.machine import machine
from loadtest.outside.counts import Counts
from loadtest.progress import progress_bar


@dataclass(frozen=True, slots=True)
class Options:
    """How much of everything."""

    kills: int = 1_000
    crash_points: int = 10_000
    outage_seconds: float = 60.0
    """Of each outage; with 0 there is none."""
    seed: int = 1


def faults(options: Options) -> dict[str, Any]:
    """What was lost or done twice, 0 wherever it should be, and how long each recovery took."""
    with progress_bar("crash points", options.crash_points) as advance:
        deaths, counts = crash_points(options.crash_points, options.seed, advance)
    recoveries: Mapping[str, Sequence[float]] = {}
    if options.kills:
        with progress_bar("kills", options.kills) as advance:
            more, recoveries = asyncio.run(kills(options.kills, options.seed, advance))
            counts += more
    after: Mapping[str, float] = {}
    if options.outage_seconds:
        with progress_bar("outages", len(FAULTS)) as advance:
            more, after = asyncio.run(outages(options.outage_seconds, options.seed, advance))
            counts += more
    return {
        "scenario": "faults",
        "seed": options.seed,
        "machine": machine(),
        "kills": sum(map(len, recoveries.values())),
        "crash_points": sum(deaths.values()),
        "crash_points_by_process": deaths,
        **asdict(counts),
        "recovery_p100_seconds": _longest([one for some in recoveries.values() for one in some]),
        "outage_seconds": options.outage_seconds,
        "recovery_after_outage_seconds": {name: round(one, 2) for name, one in after.items()},
        "recovery": {kind: _spread(seconds) for kind, seconds in sorted(recoveries.items())},
    }


def sound(figures: Mapping[str, Any]) -> bool:
    """Whether nothing was lost and nothing done twice."""
    held = {"events", "queries", "labels", "digests"}
    return not any(figures[name] for name in asdict(Counts()) if name not in held)


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    middle = sorted(seconds)[len(seconds) // 2]
    return {"kills": len(seconds), "p50_seconds": round(middle, 2), "p100_seconds": _longest(seconds)}


def _longest(seconds: Sequence[float]) -> float:
    return round(max(seconds, default=0.0), 2)
