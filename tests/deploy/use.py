"""What makes every part of a running stack do something: reviewers, an admin, a listener, unusable events."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from streamsel.api.keys import new_key
from streamsel.demo.reviewers import Habits, SimulatedReviewer
from streamsel.demo.transactions import LABELS

REVIEWERS = ("ann", "ben", "cid")
_SCOPES = {**dict.fromkeys(REVIEWERS, "reviewer"), "root": "admin", "shop": "producer"}


class Users:
    """Everybody with a key."""

    def __init__(self) -> None:
        made = {name: new_key() for name in _SCOPES}
        self._secrets = {name: secret for name, (secret, _) in made.items()}
        self._keys = [
            {"name": name, "scope": scope, "sha256": made[name][1]} for name, scope in _SCOPES.items()
        ]

    def environment(self, directory: Path, listener: str) -> Mapping[str, str]:
        """What an operator adds to the example: keys, snapshots, a webhook, and time compressed."""
        secret = base64.b64encode(b"s" * 32).decode()
        return {
            "STREAMSEL_AUTH__KEYS": json.dumps(self._keys),
            "STREAMSEL_SNAPSHOTS__URL": str(directory / "snapshots"),
            "STREAMSEL_SNAPSHOTS__KEY": secret,
            "STREAMSEL_SNAPSHOTS__EVERY_LABELS": "20",
            "STREAMSEL_DESK__WEBHOOKS": json.dumps([{"url": listener, "secret": f"whsec_{secret}"}]),
            "STREAMSEL_ORACLES__OUTCOMES__CHECK": "0.5",
            "STREAMSEL_CAPACITY__LEASE_SECONDS": "3",
            "STREAMSEL_CAPACITY__ATTEMPTS": "1",
            "STREAMSEL_CAPACITY__EXPIRE_SECONDS": "10",
        }

    def client(self, name: str, url: str) -> httpx.Client:
        """Calls of one of them."""
        headers = {"Authorization": f"Bearer {self._secrets[name]}"}
        return httpx.Client(base_url=url, headers=headers, timeout=30.0)

    @contextmanager
    def reviewing(self, url: str) -> Iterator[None]:
        """Reviewers at work, with answers that have little to do with the events."""
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()

        async def work() -> None:
            async with httpx.AsyncClient(base_url=url, timeout=30.0) as client:
                working = [
                    asyncio.create_task(
                        SimulatedReviewer(
                            client, self._secrets[name], _some_label, LABELS, Habits(mean_seconds=1.0), seed
                        ).work()
                    )
                    for seed, name in enumerate(REVIEWERS)
                ]
                await stop.wait()
                for one in working:
                    one.cancel()
                await asyncio.wait(working)

        thread = threading.Thread(target=loop.run_until_complete, args=(work(),))
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()


@contextmanager
def listening() -> Iterator[str]:
    """The address of somebody who takes every webhook."""

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _some_label(event_id: str) -> str:
    return LABELS[zlib.crc32(event_id.encode()) % len(LABELS)]
