"""The share of a busy selector's time that goes into metrics and logs.

A selector runs in this process, and a thread looks every few milliseconds at what the main thread is doing: a
sampling profiler that needs no permission. Time in which the main thread waits does not count.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import prometheus_client
import structlog

import streamsel.metrics
from streamsel.cli.logs import configure_logs
from streamsel.config import load
from streamsel.wiring.service import running

LOOK_SECONDS = 0.002
TELLING = (
    *(str(Path(module.__file__ or "").parent) for module in (prometheus_client, structlog, logging)),
    streamsel.metrics.__file__,
)
WAITING = "selectors.py"


class Looking(threading.Thread):
    """Counts what it sees the main thread do until told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.busy = 0
        self.telling = 0
        self._main = threading.main_thread().ident or 0
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            files = [frame.f_code.co_filename for frame in _outwards(sys._current_frames()[self._main])]  # noqa: SLF001
            if files[0].endswith(WAITING):
                continue
            self.busy += 1
            self.telling += any(file.startswith(TELLING) for file in files)

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


async def _run(configuration: Path, events: int) -> Looking:
    looking = Looking()
    async with running(load(configuration, {}), frozenset({"selector"})) as service:
        selector = service.selector
        if selector is None:
            raise RuntimeError("this process has no selector")
        await service.wait_ready()
        looking.start()
        failed = asyncio.create_task(service.wait_failed())
        while selector.events_decided < events:
            if failed.done():
                failed.result()
            await asyncio.sleep(0.01)
        await selector.settle()
        looking.stop()
        failed.cancel()
    return looking


def main(configuration: str, events: str) -> None:
    """Decides so many events; prints how often it was looked at while busy, and how often while telling."""
    configure_logs()
    looking = asyncio.run(_run(Path(configuration), int(events)))
    print(json.dumps({"busy": looking.busy, "telling": looking.telling}))


if __name__ == "__main__":
    main(*sys.argv[1:])
