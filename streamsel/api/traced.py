"""Log lines of a call that belongs to a trace say so."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from streamsel.codec.trace_context import HEADER, only, trace_fields

_HEADER = HEADER.encode()


def trace_of(scope: Scope) -> str | None:
    """What a call says of its trace."""
    return only([value for name, value in scope["headers"] if name == _HEADER])


class Traced:
    """Binds a call's trace to all that is logged meanwhile."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        traceparent = trace_of(scope) if scope["type"] == "http" else None
        if traceparent is None:
            await self._app(scope, receive, send)
            return
        with bound_contextvars(**trace_fields(traceparent)):
            await self._app(scope, receive, send)
