"""Serving the API inside a process that has other work too."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

DRAIN_SECONDS = 3
"""How long calls in flight may take once the server is told to stop."""

_LISTEN_BACKLOG = 2048
_ANY_HOST = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to call instead


class RunningServer:
    """A server that answers on ``port`` until it is stopped."""

    def __init__(
        self, app: FastAPI, server: uvicorn.Server, serving: asyncio.Task[None], host: str, port: int
    ) -> None:
        self.port = port
        host = _ANY_HOST.get(host, host)
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._app = app
        self._server = server
        self._serving = serving

    async def stop(self) -> None:
        """Ends long polls, lets other calls finish within ``DRAIN_SECONDS``, and closes the port."""
        self._app.state.closing.set()
        self._server.should_exit = True
        await self._serving


async def serve(app: FastAPI, host: str, port: int) -> RunningServer:
    """Answers calls from its return on; ``port`` 0 picks a free one. Raises ``OSError`` if it is taken.

    Signals are left to the process, and there is no access log: ``/metrics`` counts, and the label log
    knows who labelled what.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_LISTEN_BACKLOG)
    config = uvicorn.Config(
        app,
        http="h11",
        access_log=False,
        log_config=None,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    await server.listening.wait()
    return RunningServer(app, server, serving, host, listener.getsockname()[1])


class _Server(uvicorn.Server):
    """Tells when it listens, and leaves signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
