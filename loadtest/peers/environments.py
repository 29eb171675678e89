"""A peer's own Python environment, made when first asked for from its hash-checked lock and kept."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import uv

KEPT = Path(__file__).parents[2] / ".peers"
_MADE = "made"
"""A file that says the environment is whole."""
_INSTALL_SECONDS = 600.0


class NotInstalled(RuntimeError):
    """A peer has no environment on this Python or platform. The message says why."""


def environment(lock: Path, kept: Path = KEPT) -> Path:
    """The Python of an environment with exactly the packages of ``lock``; reused while lock and Python are
    the same. Raises ``NotInstalled``."""
    known = hashlib.sha256(lock.read_bytes() + sys.version.encode())
    folder = kept / f"{lock.parent.name}-{known.hexdigest()[:16]}"
    python = folder / "bin" / "python"
    if (folder / _MADE).exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _uv("venv", "--python", sys.executable, str(folder))
    _uv("pip", "sync", "--python", str(python), "--require-hashes", "--only-binary", ":all:", str(lock))
    (folder / _MADE).touch()
    return python


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [uv.find_uv_bin(), "--quiet", *arguments],
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    if done.returncode:
        raise NotInstalled(f"uv {arguments[0]}: {' '.join(done.stderr.split())[-500:]}")
