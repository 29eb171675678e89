"""Waiting for what must come true, never longer than a deadline."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

_LOOK_AGAIN_SECONDS = 0.02


@overload
async def until(look: Callable[[], Awaitable[T | None]], *, what: str, seconds: float = ...) -> T: ...
@overload
async def until(look: Callable[[], T | None], *, what: str, seconds: float = ...) -> T: ...
async def until(look: Callable[[], Any], *, what: str, seconds: float = 30.0) -> Any:
    """What ``look`` returns, once that is true; fails the test when it isn't within ``seconds``."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while True:
        found = look()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        assert clock() < deadline, f"{what}: not within {seconds} s, but {found!r}"
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
