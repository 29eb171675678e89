"""Sessions on Redis 7 or Valkey: one key each, which the server forgets by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from streamsel.review.refusals import DeskUnreachable


class RedisSessionStore:
    """``ports.SessionStore`` under ``{prefix}:session:``, beside the desk's queue. The client stays open."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = f"{{{prefix}}}:session:"

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        """See ``SessionStore``."""
        async with _answering():
            await self._client.set(self._prefix + key, value, px=round(seconds * 1000))

    async def look(self, key: str, seconds: float) -> bytes | None:
        """See ``SessionStore``."""
        async with _answering():
            found = await self._client.getex(self._prefix + key, px=round(seconds * 1000))
            return cast(bytes | None, found)

    async def take(self, key: str) -> bytes | None:
        """See ``SessionStore``."""
        async with _answering():
            return cast(bytes | None, await self._client.getdel(self._prefix + key))


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise DeskUnreachable(f"the desk's store did not answer: {error}") from error
