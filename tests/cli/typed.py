"""A command as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

Ran = subprocess.CompletedProcess[str]


def streamsel(folder: Path, *words: str) -> Ran:
    """``streamsel WORDS…`` run in ``folder`` to its end, with nothing in the environment to configure it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STREAMSEL_")}
    return subprocess.run(
        [sys.executable, "-m", "streamsel", *words],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def object_of(ran: Ran) -> dict[str, Any]:
    """The last line of stdout, of a command that did its work without a word on stderr."""
    assert (ran.returncode, ran.stderr) == (0, "")
    content: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return content
