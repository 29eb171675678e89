"""All faults, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from loadtest.faults.crash_points import crash_points
from loadtest.faults.every import FAULTS, every_fault
from loadtest.faults.fault import NotPermitted, Outcome
from loadtest.faults.kills import kills
from loadtest.faults.recovery import ROLES, Recovery, recoveries
from loadtest.faults.upgrade import rolling_upgrade
from loadtest.machine import machine
from loadtest.outside.counts import Counts
from loadtest.progress import progress_bar


@dataclass(frozen=True, slots=True)
class Options:
    """How much of everything."""

    kills: int = 1_000
    crash_points: int = 10_000
    recoveries: int = 20
    """Measured, of each process."""
    faults: tuple[str, ...] = tuple(FAULTS)
    fault_seconds: float = 60.0
    """Of each fault."""
    upgrade_from: str | None = None
    """The revision whose code is the old one of the rolling upgrade."""
    seed: int = 1


def faults(options: Options) -> dict[str, Any]:
    """What was lost or done twice, 0 wherever it should be, and how long each recovery took."""
    with progress_bar("crash points", options.crash_points) as advance:
        deaths, counts = crash_points(options.crash_points, options.seed, advance)
    with progress_bar("kills", options.kills) as advance:
        more, hit = asyncio.run(kills(options.kills, options.seed, advance))
        counts += more
    measured: Mapping[str, Recovery] = {}
    if options.recoveries:
        with progress_bar("recoveries", len(ROLES) * options.recoveries) as advance:
            more, measured = asyncio.run(recoveries(options.recoveries, options.seed, advance))
            counts += more
    known = {**FAULTS, "rolling_upgrade": rolling_upgrade(options.upgrade_from)}
    chosen = {name: known[name] for name in options.faults}
    with progress_bar("faults", len(chosen)) as advance:
        outcomes = asyncio.run(every_fault(chosen, options.fault_seconds, options.seed, advance))
    for outcome in outcomes.values():
        if isinstance(outcome, Outcome):
            counts += outcome.counts
    return {
        "scenario": "faults",
        "seed": options.seed,
        "machine": machine(),
        "kills": sum(hit.values()),
        "kills_by_process": hit,
        "crash_points": sum(deaths.values()),
        "crash_points_by_process": deaths,
        **asdict(counts),
        "recovery_p100_seconds": max((one.p100_seconds for one in measured.values()), default=0.0),
        "recovery": {role: asdict(one) for role, one in measured.items()},
        "fault_seconds": options.fault_seconds,
        "faults": {name: _told(outcome) for name, outcome in outcomes.items()},
    }


def sound(figures: Mapping[str, Any]) -> bool:
    """Whether nothing was lost, nothing done twice, and all came to rest."""
    held = {"events", "queries", "labels", "digests"}
    failed = [name for name, told in figures["faults"].items() if "error" in told]
    return not failed and not any(figures[name] for name in asdict(Counts()) if name not in held)


def _told(outcome: Outcome | Exception) -> Mapping[str, Any]:
    if isinstance(outcome, NotPermitted):
        return {"skipped": str(outcome)}
    if isinstance(outcome, Exception):
        return {"error": f"{type(outcome).__name__}: {outcome}"}
    return {
        **outcome.seen,
        **asdict(outcome.counts),
        "recovery_seconds": round(outcome.recovery_seconds, 2),
    }
