"""Cost against size, in every direction that a stream can grow: tables, slopes, and what is the most."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loadtest.bench import bench, bytecode_kept
from loadtest.children import child
from loadtest.growth import deciding
from loadtest.growth.slope import fitted
from loadtest.growth.waiting import Waiting, waiting
from loadtest.lifecycle import restoring
from loadtest.machine import machine
from loadtest.progress import progress_bar
from loadtest.scaling import one_run

LONGEST_SECONDS = 3_600.0
BACKLOGS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
HISTORIES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
PARTITIONS = (1, 4, 16, 64)
LEAST_RESTORED = 10_000

EVENT, QUERY, LABEL = "µs an event", "µs a claim", "µs a label"


@dataclass(frozen=True, slots=True)
class Options:
    """``events`` decided at each size; ``backlog`` and ``labels`` are the largest of their sizes."""

    events: int = 10_000
    backlog: int = 1_000_000
    labels: int = 1_000_000
    restored: int = 10_000_000
    """Labels behind the largest snapshot."""
    partition_events: int = 200_000
    partitions: int = 64
    broker: str | None = None


def growth(options: Options) -> dict[str, Any]:
    """``tables`` by dimension, and what sizing needs beside them."""
    return asyncio.run(_growth(options))


async def _growth(options: Options) -> dict[str, Any]:
    steps = len(deciding.DIMENSIONS) + 4
    with (
        progress_bar("growth", steps) as advance,
        TemporaryDirectory(prefix="loadtest-") as folder,
        bytecode_kept(Path(folder) / "bytecode"),
    ):
        log, tables = Path(folder) / "errors.log", {}
        for name, sizes in deciding.SIZES.items():
            found = await _microseconds(log, name, options.events, sizes)
            tables[name] = _table(EVENT, {size: found[str(size)] for size in sizes})
            advance(1)
        models = await _microseconds(log, "model", options.events, deciding.MODELS)
        advance(1)
        desk = {size: await waiting(size) for size in BACKLOGS if size <= options.backlog}
        tables["backlog"] = _table(QUERY, {size: one.claim_us for size, one in desk.items()})
        tables["backlog"]["bytes_per_query"] = {
            str(size): round(one.bytes_per_query) for size, one in desk.items()
        }
        advance(1)
        tables["history"] = await _history(log, options)
        advance(1)
        partitions = await _partitions(options)
        tables["partitions"] = _table(EVENT, partitions)
        advance(1)
    return {
        "scenario": "growth",
        "tables": tables,
        "models": {preset: round(us, 2) for preset, us in models.items()},
        "desk": {name: round(value, 1) for name, value in asdict(_largest(desk)).items()},
        "machine": machine(),
    }


def _largest(desk: Mapping[int, Waiting]) -> Waiting:
    return desk[max(desk)]


def _table(unit: str, costs: Mapping[float, float]) -> dict[str, Any]:
    found = fitted(costs)
    return {
        "unit": unit,
        "costs": {f"{size:.0f}": round(cost, 2) for size, cost in costs.items()},
        "per_unit": float(f"{found.per_unit:.3g}"),
        "exponent": round(found.exponent, 2),
        "verdict": found.verdict,
        "share": round(found.share, 2),
        "full_at_per_second": round(1e6 / costs[max(costs)]),
    }


async def _microseconds(
    log: Path, dimension: str, events: int, sizes: Sequence[int | str]
) -> Mapping[str, float]:
    """Of an event, for each size, measured in a process of its own."""
    async with child(log, "loadtest.growth.deciding", dimension, events, *sizes) as measuring:
        return await measuring.figures(LONGEST_SECONDS)


async def _history(log: Path, options: Options) -> dict[str, Any]:
    """Folded from the beginning, and restored from a snapshot."""
    folded = {}
    for labels in (size for size in HISTORIES if size <= options.labels):
        async with child(log, "loadtest.growth.history", labels) as folding:
            folded[labels] = await folding.figures(LONGEST_SECONDS)
    restored = {
        labels: await asyncio.to_thread(restoring.measure, labels, lambda _: None)
        for labels in HISTORIES
        if LEAST_RESTORED <= labels <= options.restored
    }
    return {
        **_table(LABEL, {labels: one["us"] for labels, one in folded.items()}),
        "bytes_per_label": {str(labels): round(one["bytes"]) for labels, one in folded.items()},
        "fold_seconds": {str(labels): round(one["seconds"], 2) for labels, one in folded.items()},
        "restore_seconds": {str(labels): one["restore_seconds"] for labels, one in restored.items()},
        "restore_mib": {str(labels): one["restore_mib"] for labels, one in restored.items()},
    }


async def _partitions(options: Options) -> dict[float, float]:
    """The whole selector, broker's clients included, in one process over ever more partitions."""
    found: dict[float, float] = {}
    async with bench(options.broker) as stand:
        for partitions in (one for one in PARTITIONS if one <= options.partitions):
            run = await one_run(stand, f"{partitions}-partitions.", 1, partitions, options.partition_events)
            found[partitions] = run.cpu_us_per_event
    return found
