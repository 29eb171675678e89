"""A disk that is full: the store's, the broker's, that of the snapshots. Each on a file system of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

from loadtest.faults.fault import NotPermitted, Seen
from loadtest.faults.rig import Rig
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka

_BALLAST = "ballast"
_BLOCK = bytes(65_536)


async def store_disk_full(running: Rig, seconds: float) -> Seen:
    """The store ends at the first write that the disk refuses, and is begun anew once there is room."""
    return await _full(running, running.store, running.services.directory / "valkey", 32, seconds)


async def broker_disk_full(running: Rig, seconds: float) -> Seen:
    """The broker ends when its only disk takes nothing more, and is begun anew once there is room."""
    return await _full(running, running.broker, running.services.directory / "kafka", 128, seconds)


async def snapshots_disk_full(running: Rig, seconds: float) -> Seen:
    """Snapshots fail and are said to; the stream and the learning go on without."""
    folder = running.services.directory / "snapshots"
    await asyncio.to_thread(_small_disk, running, folder, 4)
    await asyncio.to_thread(_fill, folder)
    await running.until(_more(running, "snapshot_failed"), "a snapshot that fails")
    await running.scoring()
    await running.labelling()
    await asyncio.sleep(seconds)
    (folder / _BALLAST).unlink()
    await running.until(_more(running, "snapshot_written"), "a snapshot")
    return {"snapshots_failed": _times(running, "snapshot_failed")}


async def _full(
    running: Rig, server: LocalKafka | EmbeddedValkey, folder: Path, mebibytes: int, seconds: float
) -> Seen:
    server.kill()
    try:
        await asyncio.to_thread(_small_disk, running, folder, mebibytes)
    finally:
        await asyncio.to_thread(server.start)
    await running.scoring()
    await running.labelling()
    before = len(running.acknowledged)
    await asyncio.to_thread(_fill, folder)
    await running.until(lambda: _ended(server), "the server ends")
    await asyncio.sleep(seconds)
    confirmed = len(running.acknowledged) - before
    (folder / _BALLAST).unlink()
    server.kill()
    await asyncio.to_thread(server.start)
    return {"server_ended": 1, "confirmed_meanwhile": confirmed}


def _small_disk(running: Rig, folder: Path, mebibytes: int) -> None:
    """Has what the folder holds on a file system of that size until the rig ends. Raises ``NotPermitted``."""
    folder.mkdir(exist_ok=True)
    aside = folder.with_suffix(".aside")
    # Sparse, for a broker's indices are files of mebibytes with nothing in them.
    copy = ("cp", "--archive", "--sparse=always")
    mount = ("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=700", "tmpfs", str(folder))
    subprocess.run([*copy, str(folder), str(aside)], check=True)
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotPermitted(f"mounting a file system: {done.stderr.strip()}")
    # Whatever is still open goes with its process.
    running.at_end.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
    subprocess.run([*copy, f"{aside}/.", str(folder)], check=True)


def _fill(folder: Path) -> None:
    """Until not one byte more is taken."""
    file = os.open(folder / _BALLAST, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(file, _BLOCK):
            pass
    except OSError:
        return
    finally:
        os.close(file)


async def _ended(server: LocalKafka | EmbeddedValkey) -> bool:
    child = server._child  # noqa: SLF001 - nobody else needs to know it
    return child is None or child.poll() is not None


def _more(running: Rig, event: str) -> Callable[[], Awaitable[bool]]:
    """Whether the selectors have logged it again."""
    before = _times(running, event)

    async def more() -> bool:
        return _times(running, event) > before

    return more


def _times(running: Rig, event: str) -> int:
    """How often the selectors have logged it."""
    return sum(len(selector.logged_ever(event)) for selector in running.selectors)
