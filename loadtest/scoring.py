"""What scoring and selecting an event costs on one core, and how well reviewers' time is used."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
from dataclasses import astuple
from typing import Any

from rich.console import Console
from rich.progress import Progress

from loadtest.contestant_scoring import PARTS, Size
from streamsel.selection import CapacityPolicy
from tests.core.capacity_figures import CapacityFigures, capacity_figures

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
POLICY = CapacityPolicy(budget=0.1, explore=0.2, target_backlog=10, expire_seconds=900.0)
"""Two queries for each of the five reviewers."""
HOURS = 3
"""Simulated, of reviewers."""
LONGEST_SECONDS = 900.0


def scoring(size: Size, hours: int = HOURS) -> dict[str, Any]:
    """Every part in a process of its own, one after the other; then the reviewers' hour, simulated."""
    console = Console(file=sys.stderr)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("parts", total=len(PARTS) + hours)
        found: dict[str, float] = {}
        for part in PARTS:
            found |= _measured(part, size)
            progress.advance(bar)
        simulated = []
        for seed in range(1, hours + 1):
            simulated.append(asyncio.run(capacity_figures(POLICY, seed)))
            progress.advance(bar)
    figures: dict[str, Any] = {"scenario": "scoring"}
    figures |= {
        name: round(value) if name.endswith("_per_second") else round(value, 4)
        for name, value in found.items()
    }
    ratio = found["portfolio_events_per_second"] / found["river_events_per_second"]
    return figures | {"vs": {"river": round(ratio, 1)}, "capacity": _capacity(simulated)}


def _measured(part: str, size: Size) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.contestant_scoring", part, *map(str, astuple(size))],
        env=os.environ | ONE_THREAD,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{part} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _capacity(hours: list[CapacityFigures]) -> dict[str, float]:
    """Means over the seeds."""
    return {
        "target_backlog": POLICY.target_backlog,
        "backlog_p95": round(statistics.fmean(hour.backlog_p95 for hour in hours), 1),
        "age_p95_seconds": round(statistics.fmean(hour.age_p95_seconds for hour in hours), 1),
        "reviewers_busy": round(statistics.fmean(hour.busy for hour in hours), 4),
        "value": round(statistics.fmean(hour.value for hour in hours), 4),
    }
