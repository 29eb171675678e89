"""What a contestant reports of itself: wall time, CPU time and memory from first to last event."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from loadtest.children import ONE_THREAD


@dataclass(frozen=True, slots=True)
class Run:
    """One contestant's run over all events."""

    events: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    memory_growth: float
    """Resident memory at the end over that after a tenth of the events, less 1."""

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds

    @property
    def cpu_us_per_event(self) -> float:
        return self.cpu_seconds / self.events * 1e6


class ContestantFailed(RuntimeError):
    """A contestant that did not come to its end; the message has its last words."""


class Stopwatch:
    """Starts with the first event seen; reads this process's own CPU time and memory."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._process = psutil.Process()
        self._started: tuple[float, float, int] | None = None
        self._early_memory = 0

    def saw(self, events: int) -> None:
        """``events`` so far; call it often."""
        if self._started is None and events > 0:
            self._started = (time.perf_counter(), time.process_time(), events)
        if not self._early_memory and events >= self._events // 10:
            self._early_memory = self._process.memory_info().rss

    def finished(self) -> Run:
        """All events are done."""
        if self._started is None:
            raise RuntimeError("no event was seen")
        wall, cpu, seen = self._started
        if seen >= self._events:
            raise RuntimeError("all events came at once: too few to be timed")
        return Run(
            events=self._events - seen,
            seconds=time.perf_counter() - wall,
            cpu_seconds=time.process_time() - cpu,
            peak_mib=_peak_mib(),
            memory_growth=self._process.memory_info().rss / self._early_memory - 1.0,
        )


def _peak_mib() -> float:
    """Of this process alone: ``ru_maxrss`` would remember the one it was forked from."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status names no VmHWM")


def report(run: Run) -> None:
    """The last line a contestant prints."""
    sys.stdout.write(json.dumps(asdict(run)) + "\n")


def run_contestant(
    module: str, arguments: Sequence[str], log: Path, timeout_seconds: float, python: Path
) -> Run:
    """Runs ``python -m module`` to its end in a process of its own; its stderr goes to ``log``.

    Raises ``ContestantFailed``.
    """
    try:
        with log.open("ab") as errors:
            done = subprocess.run(
                [python, "-m", module, *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=Path(__file__).parents[1],
                env=os.environ | ONE_THREAD,
                timeout=timeout_seconds,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise ContestantFailed(f"{module} did not end in {timeout_seconds:g} s") from error
    if done.returncode != 0:
        raise ContestantFailed(f"{module} ended with {done.returncode}:\n{log.read_text()[-2000:]}")
    return Run(**json.loads(done.stdout.splitlines()[-1]))
