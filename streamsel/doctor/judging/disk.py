"""Directories the process writes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streamsel.doctor.finding import Finding, fail, ok, warn

LEAST_FREE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Directory:
    """One that is written to; it, or the nearest one above that is there."""

    key: str
    """Of the configuration."""
    path: str
    writable: bool
    free_bytes: int


def judge_disk(directories: Sequence[Directory]) -> Iterator[Finding]:
    for one in directories:
        free = f"{one.free_bytes / (1 << 30):.1f} GiB are free"
        if not one.writable:
            yield fail(
                "disk.writable",
                f"{one.key}: {one.path} can't be written by this user",
                f"chown this user {one.path}, or another {one.key}",
            )
        elif one.free_bytes < LEAST_FREE_BYTES:
            yield warn("disk.free", f"{one.key}: {free} in {one.path}", f"free space, or another {one.key}")
        else:
            yield ok("disk.free", f"{one.key}: {free} in {one.path}")
