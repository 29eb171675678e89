"""How much a caller may send."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamsel.api.problems import HEADERS_TOO_LARGE, TOO_LARGE, Problem

MAX_BODY_BYTES = 16 * 1024
"""Of any call but those that carry events."""


MAX_HEADER_BYTES = 16 * 1024
"""Of all headers of a call together; not every HTTP parser under the server has a limit of its own."""


class HeaderLimit:
    """Refuses calls whose headers are larger than ``MAX_HEADER_BYTES``, before anything looks at them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = sum(len(name) + len(value) for name, value in scope.get("headers", ()))
        if size > MAX_HEADER_BYTES:
            problem = Problem(HEADERS_TOO_LARGE, f"At most {MAX_HEADER_BYTES} bytes are taken.")
            await problem.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses bodies larger than ``MAX_BODY_BYTES``, or than ``exceptions`` says for a path.

    A body that announces its length is refused unread; any other as soon as it has grown too large.
    """

    def __init__(self, app: ASGIApp, exceptions: Mapping[str, int]) -> None:
        self._app = app
        self._exceptions = exceptions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._exceptions.get(scope["path"], MAX_BODY_BYTES)
        too_large = Problem(TOO_LARGE, f"At most {limit} bytes are taken here.")
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            await too_large.response()(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise too_large
            return message

        await self._app(scope, receive_within_limit, send)
