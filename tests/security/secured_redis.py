"""A real redis-server that speaks TLS alone, asks for a certificate, and has an ACL."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
import redis.asyncio

from streamsel.adapters.local_process import end_child, start_child
from tests.security.certificates import Certificates
from tests.servers import missing

_START_SECONDS = 30.0


class SecuredRedis:
    """Its port is open to TLS; the socket is for the tests alone, which may do everything there."""

    def __init__(self, port: int, path: Path) -> None:
        self._where = f"127.0.0.1:{port}"
        self._path = str(path)
        self.admin: Any = redis.Redis(unix_socket_path=self._path)

    def url(self, user: str, password: str) -> str:
        """For this user."""
        return f"rediss://{user}:{password}@{self._where}"

    def client(self, user: str, password: str) -> redis.asyncio.Redis:
        """Of this user, by the socket."""
        return redis.asyncio.Redis(unix_socket_path=self._path, username=user, password=password)

    def close_to_strangers(self) -> None:
        """Nobody comes in without a user from now on."""
        self.set_user("tests on >tests ~* &* +@all")
        self.admin.close()
        self.admin = redis.Redis(unix_socket_path=self._path, username="tests", password="tests")
        self.set_user("default off")

    def set_user(self, rule: str) -> None:
        """By a line of ``users.acl``, as the doctor prints it."""
        self.admin.execute_command("ACL", "SETUSER", *rule.split())


@contextmanager
def secured_redis(certificates: Certificates) -> Iterator[SecuredRedis]:
    """Started; it keeps everything, as the logs want it."""
    executable = shutil.which("redis-server")
    if executable is None:
        missing("redis-server is not installed (Debian: apt-get install redis-server)")
    with tempfile.TemporaryDirectory(prefix="streamsel-tls-") as name, socket.socket() as probe:
        directory = Path(name)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        settings = {
            "port": "0",
            "tls-port": str(port),
            "bind": "127.0.0.1",
            "tls-cert-file": str(certificates.server.certificate),
            "tls-key-file": str(certificates.server.key),
            "tls-ca-cert-file": str(certificates.ca),
            "tls-auth-clients": "yes",
            "unixsocket": str(directory / "redis.sock"),
            "dir": str(directory),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
        }
        options = [word for key, value in settings.items() for word in (f"--{key}", value)]
        log = directory / "redis.log"
        child = start_child([Path(executable), *options], directory=directory, log=log)
        try:
            server = SecuredRedis(port, directory / "redis.sock")
            _wait_until_ready(server, child, log)
            server.close_to_strangers()
            yield server
            server.admin.close()
        finally:
            end_child(child, patience_seconds=5.0)


def _wait_until_ready(server: SecuredRedis, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            server.admin.ping()
        except redis.ConnectionError:
            assert child.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return
