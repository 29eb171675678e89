"""``streamsel`` run to its end in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

_LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The object on the last line of stdout, which holds nothing else that is JSON."""
        *before, last = self.stdout.splitlines()
        assert not [line for line in before if line.startswith("{")]
        content: dict[str, Any] = orjson.loads(last)
        assert isinstance(content, dict)
        return content

    @property
    def complaint(self) -> str:
        """The one line on stderr by which a command says that it could not do its work, without its name."""
        assert "Traceback" not in self.stderr
        lines = [line for line in self.stderr.splitlines() if line and not line.startswith("{")]
        (line,) = lines
        assert line.startswith("streamsel: ")
        return line.removeprefix("streamsel: ")


async def streamsel(*words: str, directory: Path, environment: Mapping[str, str] | None = None) -> Ran:
    """Runs ``streamsel WORDS…`` in ``directory``, with nothing but ``environment`` to configure it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STREAMSEL_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streamsel",
        *words,
        cwd=directory,
        env=inherited | dict(environment or {}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr = await asyncio.wait_for(process.communicate(), _LONGEST_SECONDS)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    return Ran(process.returncode, stdout.decode(), stderr.decode())
