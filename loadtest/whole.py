"""Every scenario, each by its own command in a process of its own, one after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

SCENARIOS: Mapping[str, str] = {
    "throughput": "--events 10000 --rounds 1 --peers bare,aiokafka,ceiling",
    "latency": "--rates 200 --rounds 1 --seconds 1 --maximum-events 2000",
    "burst": "--per-second 50 --quiet-seconds 2 --burst-seconds 2 --reviewers 2",
    "growth": (
        "--events 1000 --backlog 10000 --labels 10000 --restored 10000 --partition-events 2000 --partitions 4"
    ),
    "soak": "--events 30000",
    "costs": "--events 2000 --rounds 1",
    "scaling": "--events 2000 --rounds 1",
    "start": "--labels 200 --rounds 1",
    "desk": "--waiting 2000 --seconds 1",
    "scoring": "--events 1000 --labels 200 --rounds 1 --hours 1",
    "poison": "--events 5000",
    "lifecycle": "--labels 1000 --restarts 1 --restore-labels 10000 --streams 5 --simulations 20",
    "faults": "--kills 4 --crash-points 50 --recoveries 1 --fault-seconds 1",
}
"""The options of the small form; the defaults are the whole one."""


def whole(
    names: Collection[str], output: Path | None, progress: Callable[[str], None], *, small: bool
) -> dict[str, dict[str, Any]]:
    """Figures by scenario, each written to ``output`` as soon as it is there. A scenario that fails has its
    ``error``, and the others go on."""
    measured = {}
    for name in names:
        progress(name)
        measured[name] = _figures(name, SCENARIOS[name].split() if small else [])
        if output is not None:
            path = output / f"{name}.json"
            path.write_text(json.dumps(measured[name], indent=1) + "\n", encoding="utf-8")
    return measured


def failed(figures: Mapping[str, Any]) -> bool:
    """Whether the figures don't count."""
    return "error" in figures or figures.get("valid") is False


def _figures(name: str, options: list[str]) -> dict[str, Any]:
    """Of one command; its progress bar and its complaints go where ours go."""
    done = subprocess.run(
        [sys.executable, "-m", "loadtest", name, *options, "--json"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    try:
        figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        return {"scenario": name, "error": f"ended with {done.returncode} and no figures"}
    return figures
