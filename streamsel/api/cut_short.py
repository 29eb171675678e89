"""Calls that a stopping server can no longer wait for."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamsel.api.problems import STOPPING, Problem


class CutShort:
    """Answers a call that the server cancels, as long as that is possible: it may be repeated elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answering = False

        async def send_and_note(message: Message) -> None:
            nonlocal answering
            answering = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except asyncio.CancelledError:
            if answering:
                raise
            detail = "Whether the call had an effect is not known; it is safe to repeat."
            await Problem(STOPPING, detail).response()(scope, receive, send)
