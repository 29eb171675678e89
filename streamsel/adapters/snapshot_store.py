"""Snapshots wherever fsspec can write: a directory, S3, Google Cloud Storage and many others."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import fsspec

from streamsel.ports.snapshots import SUFFIX, SnapshotsUnavailable

_PARTIAL = ".partial"

_T = TypeVar("_T")


class FileSnapshotStore:
    """The files of one folder. What is being written has another name until it is whole."""

    def __init__(self, url: str) -> None:
        """``url``: a path, or an address such as ``s3://bucket/folder``. Raises ``ValueError`` or
        ``ImportError`` for a protocol that fsspec does not know or lacks a package for."""
        self._files, self._folder = fsspec.core.url_to_fs(url)

    async def names(self) -> Sequence[str]:
        """See ``SnapshotStore``."""
        found = await self._call(self._listed)
        return sorted((name for name in found if name.endswith(SUFFIX)), reverse=True)

    async def read(self, name: str) -> bytes:
        """See ``SnapshotStore``."""
        content: bytes = await self._call(lambda: self._files.cat_file(self._path(name)))
        return content

    async def write(self, name: str, pieces: Sequence[bytes | bytearray | memoryview]) -> None:
        """See ``SnapshotStore``."""
        await self._call(lambda: self._write(name, pieces))

    async def delete(self, name: str) -> None:
        """See ``SnapshotStore``."""
        await self._call(lambda: self._remove(name))

    async def clear(self) -> int:
        """See ``SnapshotStore``."""
        return await self._call(self._clear)

    def _write(self, name: str, pieces: Sequence[bytes | bytearray | memoryview]) -> None:
        self._files.makedirs(self._folder, exist_ok=True)
        partial = f"{name}.{secrets.token_hex(4)}{_PARTIAL}"
        try:
            with self._files.open(self._path(partial), "wb") as file:
                for piece in pieces:
                    file.write(piece)
            self._files.mv(self._path(partial), self._path(name))
        except BaseException:
            with suppress(Exception):
                self._remove(partial)
            raise
        # Left behind by processes that were killed; or on its way still, and then late.
        for older in self._listed():
            if older.endswith(_PARTIAL) and older < name:
                self._remove(older)

    def _clear(self) -> int:
        names = self._listed()
        whole = [name for name in names if name.endswith(SUFFIX)]
        for name in (*whole, *(name for name in names if name.endswith(_PARTIAL))):
            self._remove(name)
        return len(whole)

    def _listed(self) -> list[str]:
        self._files.invalidate_cache(self._folder)
        try:
            paths: list[str] = self._files.ls(self._folder, detail=False)
        except FileNotFoundError:
            return []
        return [path.rsplit("/", 1)[-1] for path in paths]

    def _remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._folder.rstrip('/')}/{name}"

    async def _call(self, call: Callable[[], _T]) -> _T:
        try:
            return await asyncio.to_thread(call)
        except Exception as error:
            # Every kind of storage has errors of its own.
            raise SnapshotsUnavailable(f"{type(error).__name__}: {error}") from error
