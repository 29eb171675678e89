"""How long a selector and a desk take to work again after kill -9, each begun as from the command line."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtest.faults.rig import rig
from loadtest.faults.settling import counted
from loadtest.outside.counts import Counts
from loadtest.outside.service_process import ServiceProcess

ROLES = ("selector", "desk")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Recovery:
    """From kill -9 to work again, over some deaths of one process."""

    kills: int
    p50_seconds: float
    p100_seconds: float
    p50_ready_cpu_seconds: float
    """Of a processor, that the next process has had when it is ready: what other load does not change."""


async def recoveries(
    count: int, seed: int, advance: Callable[[float], None]
) -> tuple[Counts, Mapping[str, Recovery]]:
    """So many of each process, by turns; what came of them, and the recovery by role."""
    measured: dict[str, list[tuple[float, float]]] = {role: [] for role in ROLES}
    async with rig(seed) as running:
        for _ in range(count):
            victims = {"selector": running.draw.choice(running.selectors), "desk": running.desk}
            recovered = {"selector": running.scoring, "desk": running.answering}
            for role in ROLES:
                await running.labelling()
                measured[role].append(await _recovery(victims[role], recovered[role]))
                advance(1)
        counts = await counted(running)
    return counts, {role: _summed_up(some) for role, some in measured.items()}


async def _recovery(victim: ServiceProcess, recovered: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Seconds until the work goes on, and the processor's until the next process is ready."""
    began = time.monotonic()
    victim.kill()
    victim.start()
    await recovered()
    seconds = time.monotonic() - began
    await victim.ready()
    return seconds, _cpu_seconds(victim.process.pid)


def _cpu_seconds(pid: int) -> float:
    """What a process has had of a processor; see proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / _TICKS


def _summed_up(measured: list[tuple[float, float]]) -> Recovery:
    seconds, cpu_seconds = (sorted(some) for some in zip(*measured, strict=True))
    middle = len(measured) // 2
    return Recovery(
        len(measured), round(seconds[middle], 2), round(seconds[-1], 2), round(cpu_seconds[middle], 2)
    )
