"""Processes that cost no imports: forked from one that has imported the whole service and does nothing else.

What dies and what is begun are processes like any other. Only the seconds of a start say nothing about one
from the command line.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_context = get_context("forkserver")
_context.set_forkserver_preload(
    [
        __name__,
        "streamsel.cli.main",
        "streamsel.wiring.service",
        "streamsel.wiring.learning",
        "streamsel.wiring.selector",
        "streamsel.services.watchdog",
    ]
)


class Forked:
    """One process, to be asked, signalled and awaited as ``subprocess.Popen`` is."""

    def __init__(self, words: Sequence[str], directory: Path, log: Path) -> None:
        # A daemon ends with us.
        self._process = _context.Process(target=_run, args=(list(words), directory, log), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        """The exit status, if it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit status, once it has ended; ``None`` if it has not by then."""
        self._process.join(timeout)
        return self._process.exitcode

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """To the process, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


def start_forked(command: Sequence[str | Path], *, directory: Path, log: Path) -> Forked:
    """Starts ``python -m streamsel …``, its output appended to ``log``; see ``start_child``."""
    interpreter, module, program, *words = map(str, command)
    assert (interpreter, module, program) == (sys.executable, "-m", "streamsel")
    log.touch()
    return Forked(words, directory, log)


def _run(words: Sequence[str], directory: Path, log: Path) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    os.chdir(directory)
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(output, stream)
    sys.argv = ["streamsel", *words]

    from streamsel.cli.main import main

    main()
