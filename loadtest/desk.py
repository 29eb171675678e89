"""Claims a second from a long queue: through the desk's script alone, and over HTTP with their answers."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from loadtest.desk_claims import claim_all, commands
from loadtest.desk_http import ReviewerProgram, closed_loop, open_loop
from loadtest.desk_store import (
    EXPIRE_SECONDS,
    LABELS,
    LEASE_SECONDS,
    PREFIX,
    Recording,
    fill,
    opened_queue,
)
from loadtest.outside.service_process import Services, auth
from streamsel.adapters.embedded import EmbeddedValkey

OPEN_SHARE = 0.7
"""Of the most that the desk gets done, in the open loop."""
FELL_BEHIND_MS = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """``seconds`` for each of three measurements; none uses more than a part of what waits."""

    waiting: int = 1_000_000
    clients: int = 64
    seconds: float = 20.0


def desk(options: Options) -> dict[str, Any]:
    """Starts its own store and desk, fills the one, and lets reviewers work at both in turn."""
    console = Console(file=sys.stderr)
    figures: dict[str, Any] = {
        "scenario": "desk",
        "waiting": options.waiting,
        "clients": options.clients,
        "load_average": round(os.getloadavg()[0], 2),
    }
    with (
        tempfile.TemporaryDirectory(prefix="loadtest-") as directory,
        EmbeddedValkey(Path(directory) / "valkey") as store,
        Progress(console=console, disable=not console.is_terminal) as progress,
    ):
        figures |= asyncio.run(_through_the_script(store.url, options, progress))
        figures |= asyncio.run(_over_http(store.url, Path(directory), options, progress))
    if figures["http_generator_fell_behind"]:
        console.print(
            "The load generator fell behind its own schedule: the latencies over HTTP hold that too."
        )
    return figures


async def _through_the_script(url: str, options: Options, progress: Progress) -> dict[str, Any]:
    bar = progress.add_task("filling the queue", total=options.waiting)
    socket = url.removeprefix("unix://")
    async with (
        Recording(unix_socket_path=socket) as client,
        opened_queue(client, most_held=options.waiting) as queue,
    ):
        filled = await fill(queue, client, options.waiting, lambda count: progress.advance(bar, count))
        written = await commands(queue, client, options.clients)
        bar = progress.add_task("claims through the script", total=None)
        claims = await claim_all(client, socket, written, options.waiting // 2, options.seconds)
        progress.update(bar, total=1, completed=1)
    count = len(claims.latencies)
    return {
        "payload_bytes": round(filled.payload_bytes),
        "bytes_per_query": round(filled.bytes_per_query),
        "offers_per_second": round(options.waiting / filled.seconds),
        "claims_per_second": round(count / claims.wall_seconds),
        "claim_p50_ms": _percentile_ms(claims.latencies, 50),
        "claim_p99_ms": _percentile_ms(claims.latencies, 99),
        "claim_store_us": round(claims.store_cpu_seconds / count * 1e6, 1),
        "claim_store_cores": round(claims.store_cpu_seconds / claims.wall_seconds, 2),
        "claim_generator_cores": round(claims.generator_cpu_seconds / claims.wall_seconds, 2),
    }


async def _over_http(url: str, directory: Path, options: Options, progress: Progress) -> dict[str, Any]:
    secrets: dict[str, str] = {}
    names = [f"program-{number}" for number in range(options.clients)]
    services = Services(directory)
    configuration = services.configured(
        {
            "labels": {"names": LABELS},
            "capacity": {"lease_seconds": LEASE_SECONDS, "expire_seconds": EXPIRE_SECONDS},
            "redis": {"url": url, "prefix": PREFIX},
            "auth": {**auth(secrets, **dict.fromkeys(names, "reviewer")), "calls_per_second": 1_000_000},
        }
    )
    most = options.waiting // 6
    process = services.start(configuration, "desk")
    try:
        address = await process.ready()
        programs = [await ReviewerProgram.connected(address, secrets[name]) for name in names]
        await closed_loop(programs, len(programs), options.seconds)  # what is loaded and opened but once
        bar = progress.add_task("claims and labels over HTTP", total=2)
        service, generator = psutil.Process(process.process.pid), time.process_time()
        before = _cpu_seconds(service)
        busiest = await closed_loop(programs, most, options.seconds)
        spent, generator = _cpu_seconds(service) - before, time.process_time() - generator
        progress.advance(bar)
        rate = busiest.per_second * OPEN_SHARE
        steady = await open_loop(programs, rate, most, options.seconds)
        progress.advance(bar)
        for program in programs:
            program.close()
    finally:
        await process.end()
    late = _percentile_ms(np.array(steady.late), 99)
    return {
        "http_claims_per_second": round(busiest.per_second, 1),
        "http_desk_us_per_claim": round(spent / len(busiest.labels) * 1e6),
        "http_desk_cores": round(spent / busiest.wall_seconds, 2),
        "http_generator_cores": round(generator / busiest.wall_seconds, 2),
        "http_open_claims_per_second": round(steady.per_second, 1),
        "http_p50_ms": _percentile_ms(steady.all_calls, 50),
        "http_p99_ms": _percentile_ms(steady.all_calls, 99),
        "http_claim_p99_ms": _percentile_ms(np.array(steady.claims), 99),
        "http_label_p99_ms": _percentile_ms(np.array(steady.labels), 99),
        "http_generator_late_p99_ms": late,
        "http_generator_fell_behind": late > FELL_BEHIND_MS,
    }


def _percentile_ms(seconds: NDArray[np.float64], percent: float) -> float:
    return round(float(np.percentile(seconds, percent)) * 1e3, 2)


def _cpu_seconds(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)
