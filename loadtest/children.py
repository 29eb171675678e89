"""Parts of a load test in processes of their own, which say on stdout what they have to say."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_LONGEST_LINE = 64 * 2**20


class Child:
    """``python -m module arguments``; its stderr goes to ``log``."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        self._name = name
        self._process = process
        if process.stdout is None:
            raise ValueError("the process was not started with a pipe for its stdout")
        self._stdout = process.stdout
        self._log = log

    async def says(self, word: str, seconds: float = 60.0) -> None:
        """Waits for the line ``word``."""
        if (line := await self._line(seconds)) != word:
            raise RuntimeError(f"{self._name} said {line!r} for {word!r}:\n{self._last_words()}")

    async def figures(self, seconds: float, statuses: tuple[int, ...] = (0,)) -> dict[str, Any]:
        """The object it prints before it ends with one of ``statuses``."""
        line = await self._line(seconds)
        async with asyncio.timeout(seconds):
            status = await self._process.wait()
        if status not in statuses or not line:
            raise RuntimeError(f"{self._name} ended with {status}:\n{self._last_words()}")
        found: dict[str, Any] = json.loads(line)
        return found

    async def _line(self, seconds: float) -> str:
        async with asyncio.timeout(seconds):
            return (await self._stdout.readline()).decode().strip()

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]


@asynccontextmanager
async def child(log: Path, module: str, *arguments: object) -> AsyncIterator[Child]:
    """A process of one thread for linear algebra; ended on leaving, if it has not ended by itself."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *map(str, arguments),
            stdout=PIPE,
            stderr=errors,
            env=os.environ | ONE_THREAD,
            limit=_LONGEST_LINE,
        )
    try:
        yield Child(module, process, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
