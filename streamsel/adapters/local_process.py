"""Starting a server, or a worker of ours, as a child of this process."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None

_launcher = ThreadPoolExecutor(1, "launcher")
"""The kernel takes the death of the thread that started a child for ours: this one lives as long as we do."""


def start_child(
    command: Sequence[str | Path], *, directory: Path, log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts ``command`` in ``directory``, its output appended to ``log``.

    ``environment`` comes on top of what it inherits.

    The child has a session of its own, so that Ctrl-C in the terminal reaches us and not the server we
    still have to drain into. On Linux it is asked to end when we die by whatever signal (prctl(2),
    ``PR_SET_PDEATHSIG``).
    """
    with log.open("ab") as output:
        return _launcher.submit(
            subprocess.Popen[bytes],
            [str(part) for part in command],
            cwd=directory,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent if _libc is not None else None,
        ).result()


async def start_worker(command: Sequence[str], environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    """Starts ``command`` likewise, but writing where we do. To be called in the main thread."""
    return await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_end_with_parent if _libc is not None else None,
    )


def _end_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def end_child(child: subprocess.Popen[bytes], *, patience_seconds: float) -> None:
    """Asks the child to end, and kills it when it has not within ``patience_seconds``."""
    child.terminate()
    try:
        child.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
