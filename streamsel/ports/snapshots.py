"""Where snapshots are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

SUFFIX = ".snapshot"


class SnapshotsUnavailable(Exception):
    """The store did not do as asked: it can't be reached, refuses, is full, or has no such snapshot."""


class SnapshotStore(Protocol):
    """Files by name, each whole or not there. Every method may raise ``SnapshotsUnavailable``."""

    async def names(self) -> Sequence[str]:
        """Of all that end in ``SUFFIX``, the last by name first."""

    async def read(self, name: str) -> bytes:
        """All of it."""

    async def write(self, name: str, pieces: Sequence[bytes | bytearray | memoryview]) -> None:
        """Under this name once all of it is there; in place of what was there before."""

    async def delete(self, name: str) -> None:
        """It may be gone already."""

    async def clear(self) -> int:
        """Deletes all of them, and what writers that died left unfinished. Returns how many were whole."""
