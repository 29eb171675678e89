"""Long polls that end when nobody listens any more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from streamsel.services.ending import end

T = TypeVar("T")


async def while_heard(request: Request, closing: asyncio.Event, call: Coroutine[Any, Any, T]) -> T | None:
    """The call's result; ``None`` if the client hung up or the server is closing before there was one.

    FastAPI goes on with a call whose client has gone: a query claimed then would be stuck with nobody until
    its lease ends. The call is cancelled instead, and has ended on return.
    """
    calling = asyncio.create_task(call)
    leaving = asyncio.create_task(_left(request))
    ending = asyncio.create_task(closing.wait())
    try:
        await asyncio.wait({calling, leaving, ending}, return_when=asyncio.FIRST_COMPLETED)
        await end(calling)
        return None if calling.cancelled() else calling.result()
    finally:
        for one in (calling, leaving, ending):
            one.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
