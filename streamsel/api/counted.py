"""Counts calls, by how they were answered."""

from __future__ import annotations

from collections.abc import Collection

from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamsel.api.problems import INTERNAL, problem_in

NO_PROBLEM = "none"


class Counted:
    """Counts into ``calls`` with the labels ``status`` and ``problem``, but not the calls of probes.

    A stream counts when it begins.
    """

    def __init__(self, app: ASGIApp, calls: Counter, uncounted: Collection[str]) -> None:
        self._app = app
        self._calls = calls
        self._uncounted = uncounted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._uncounted:
            await self._app(scope, receive, send)
            return

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                problem = problem_in(scope)
                self._calls.labels(message["status"], NO_PROBLEM if problem is None else problem.slug).inc()
            await send(message)

        try:
            await self._app(scope, receive, send_and_count)
        except Exception:
            # Answered further out, by the server itself.
            self._calls.labels(INTERNAL.status, INTERNAL.slug).inc()
            raise
