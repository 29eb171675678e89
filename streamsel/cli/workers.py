"""``streamsel serve --workers``: selectors of one machine that share the partitions, each a process.

The parent starts them and a desk's process, starts anew whichever dies, and ends them all. It reads no event.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamsel.config import Config

END_SECONDS = 5.5
"""Each drains within 5 seconds of being told to; what has not ended by then is killed."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before one that died is started again: twice as many each time,"""
STEADY_SECONDS = 60.0
"""until it has lived so long."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One process: a selector, or the desk."""

    name: str
    command: Sequence[str]


def workers(count: int, *, desk: bool, path: Path | None, port: int) -> Iterator[Worker]:
    """``count`` selectors, and before them a desk. The first listens on ``port``, each other one on the port
    after the last one's; on free ports, if ``port`` is 0."""
    named = [("desk", "desk")] if desk else []
    named += [(f"selector-{number}", "selector") for number in range(1, count + 1)]
    for place, (name, role) in enumerate(named):
        own = port + place if port else 0
        given = [] if path is None else ["--config", str(path)]
        options = [*given, "--role", role, "--port", str(own)]
        yield Worker(name, [sys.executable, "-m", "streamsel", "serve", *options])


async def keep(config: Config, members: Sequence[Worker]) -> int:
    """Keeps them running until SIGTERM or SIGINT, or until one ends with a failure that it would meet again;
    returns the largest exit status.

    Where no Redis is configured they share one that is embedded in this process.
    """
    from streamsel.wiring.opening import redis_url  # brings Redis' client: --help should not wait

    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        environment = {"STREAMSEL_REDIS__URL": await redis_url(config, stack)}
        kept = [asyncio.create_task(_Kept(member, environment, stopping).run()) for member in members]
        return max(await asyncio.gather(*kept))


class _Kept:
    """One of them, through all its lives."""

    def __init__(self, worker: Worker, environment: Mapping[str, str], stopping: asyncio.Event) -> None:
        import structlog

        self._worker = worker
        self._environment = environment
        self._stopping = stopping
        self._log = structlog.get_logger().bind(worker=worker.name)

    async def run(self) -> int:
        """Its exit status once all are to end. One that is killed or just ends is started again; one that
        ends with a failure has said why, would fail again, and ends them all."""
        clock, pause = asyncio.get_running_loop().time, SHORTEST_PAUSE
        while not self._stopping.is_set():
            began = clock()
            status = await self._live()
            if self._stopping.is_set() or status > 0:
                self._stopping.set()
                # One that was still starting knows nothing of draining.
                return status if status >= 0 else int(status != -signal.SIGTERM)
            if clock() - began > STEADY_SECONDS:
                pause = SHORTEST_PAUSE
            self._log.error("worker_died", status=status, restart_seconds=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(2.0 * pause, LONGEST_PAUSE)
        return 0

    async def _live(self) -> int:
        """Starts it, waits for its end or tells it to end, and returns its status; negative for a signal."""
        from streamsel.adapters.local_process import start_worker

        process = await start_worker(self._worker.command, self._environment)
        self._log.info("worker_started", pid=process.pid)
        ended = asyncio.create_task(process.wait())
        told = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([ended, told], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not ended.done():
            process.terminate()
            await asyncio.wait([ended], timeout=END_SECONDS)
        if not ended.done():
            self._log.error("worker_killed", waited_seconds=END_SECONDS)
            process.kill()
        return await ended
