"""A rolling upgrade: old and new side by side at work, one process after the other restarted."""

from __future__ import annotations

import asyncio
import subprocess
import tarfile
from functools import partial
from io import BytesIO
from pathlib import Path

from loadtest.faults.fault import Fault, NotPermitted, Seen
from loadtest.faults.rig import Rig

_ROOT = Path(__file__).parents[2]
_OLD_SELECT = {"budget": 0.3, "explore": 0.5}


def rolling_upgrade(revision: str | None) -> Fault:
    """From the code of a revision, with its configuration as it is; without one from this very code under
    another configuration. To this code under this configuration."""
    return partial(_rolling_upgrade, revision)


async def _rolling_upgrade(revision: str | None, running: Rig, seconds: float) -> Seen:
    """Two selectors and two desks."""
    running.desks.append(running.begin("desk"))
    for process in running.processes:
        if revision is None:
            sections = {**running.sections, "select": _OLD_SELECT}
            process.configuration = running.services.configured(sections, "old.toml")
        else:
            process.under = ("env", f"PYTHONPATH={_code_of(revision, running.services.directory)}")
        await running.again(process)
    await running.scoring()
    await running.labelling()
    before = len(running.acknowledged)
    for process in running.processes:
        process.under, process.configuration = (), running.configuration
        await running.again(process)
        await running.scoring()
        await running.labelling()
        await asyncio.sleep(seconds / len(running.processes))
    confirmed = len(running.acknowledged) - before
    return {"restarted": len(running.processes), "confirmed_meanwhile": confirmed}


def _code_of(revision: str, directory: Path) -> Path:
    """The package as it was then. Raises ``NotPermitted`` where the revision is not to be had."""
    folder = directory / "old"
    if not folder.exists():
        command = ["git", "archive", "--format=tar", revision, "streamsel"]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, check=False)
        if done.returncode:
            raise NotPermitted(f"the code of {revision}: {done.stderr.decode().strip()}")
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
    return folder
