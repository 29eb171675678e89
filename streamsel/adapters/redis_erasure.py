"""Erasing on Redis: entries of streams, queries of the desk, and what the append-only file remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from streamsel.adapters.redis_desk_script import DeskScript
from streamsel.adapters.redis_desk_settings import settings_json, settled_field
from streamsel.adapters.redis_streams import answering, command, id_at
from streamsel.adapters.redis_streams_log import RedisLogReader
from streamsel.codec import Unreadable, decode_query
from streamsel.ports import SourceUnavailable, StoreRefused
from streamsel.records import Query
from streamsel.review.refusals import DeskUnreachable
from streamsel.review.routing import Routing
from streamsel.review.settings import DeskSettings

_AT_ONCE = 500
_POLL_SECONDS = 0.1


class RedisErasableLog(RedisLogReader):
    """One stream."""

    async def erase(self, offsets: Sequence[int]) -> int:
        """See ``ErasableLog``."""
        gone = 0
        async with answering(SourceUnavailable, f"erasing from {self._key}"):
            for start in range(0, len(offsets), _AT_ONCE):
                ids = map(id_at, offsets[start : start + _AT_ONCE])
                gone += int(await command(self._client, "XDEL", self._key, *ids))
        return gone


class RedisErasure:
    """The desk's store: see ``QueryStore``, ``Positions`` and ``Scrubbed``. Whoever gives the client closes
    it."""

    def __init__(self, client: Redis, prefix: str, settings: DeskSettings, routing: Routing) -> None:
        self._client = client
        self._keys = f"{{{prefix}}}:"
        self._call = DeskScript(client, self._keys, settings_json(settings, routing))

    async def queries(self) -> AsyncIterator[Query]:
        """See ``QueryStore``."""
        try:
            async for key in self._client.scan_iter(f"{_literal(self._keys)}query:*", count=_AT_ONCE):
                state, payload = await self._client.hmget(key, ["state", "payload"])
                if state is None or not isinstance(payload, bytes):
                    continue  # another slot of a query, or a question whose answer is known
                try:
                    yield decode_query(payload)
                except Unreadable as error:
                    raise StoreRefused(f"{key.decode()} can't be read: {error.detail}") from None
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error

    async def forget(self, query_ids: Sequence[str]) -> int:
        """See ``QueryStore``."""
        gone = 0
        for start in range(0, len(query_ids), _AT_ONCE):
            gone += int(await self._call("forget", *query_ids[start : start + _AT_ONCE]))
        return gone

    async def carry_over(self, epoch: int, to: int, moved: Callable[[int], int]) -> None:
        """See ``Positions``: of the desk, and of webhooks."""
        old, new = ("labels" if one == 1 else f"labels.{one}" for one in (epoch, to))
        try:
            settled = await self._client.hget(f"{self._keys}desk", settled_field(epoch))
            await self._client.hset(f"{self._keys}desk", settled_field(to), moved(int(settled or 0)))
            pattern = f"{_literal(self._keys)}webhooks:*:{old}:delivered"
            async for key in self._client.scan_iter(pattern, count=_AT_ONCE):
                delivered = int(await self._client.get(key) or -1)
                name = key.decode().removesuffix(f":{old}:delivered")
                await self._client.set(
                    f"{name}:{new}:delivered", moved(delivered) if delivered > 0 else delivered
                )
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error

    async def scrub(self) -> None:
        """See ``Scrubbed``: the append-only file is written anew, from what there is now."""
        try:
            if not (await self._persistence()).get("aof_enabled"):
                return
            await self._no_rewrite_under_way()
            await self._client.bgrewriteaof()
            await self._no_rewrite_under_way()
        except ResponseError as error:
            raise StoreRefused(
                f"the store does not write its append-only file anew, which may hold what was erased: {error}"
            ) from error
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error

    async def _no_rewrite_under_way(self) -> None:
        while True:
            now = await self._persistence()
            if not now.get("aof_rewrite_in_progress") and not now.get("aof_rewrite_scheduled"):
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def _persistence(self) -> dict[str, Any]:
        found: dict[str, Any] = await self._client.info("persistence")
        return found


def _literal(text: str) -> str:
    """As a pattern that matches just this: prefixes hold no other sign of patterns."""
    return text.replace("{", "\\{").replace("}", "\\}")
