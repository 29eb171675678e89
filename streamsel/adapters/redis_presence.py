"""Who uses the logs, and who erases from them, on Redis: many of the former or one of the latter at a time.

``{prefix}:using`` is a ZSET of users by the end of their lease, ``{prefix}:erasing`` the one that erases,
which ends with its lease. The server's clock decides both.
"""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from streamsel.review.refusals import DeskUnreachable

_CLOCK = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
"""
_USE = f"""{_CLOCK}
local erasing = redis.call('GET', KEYS[2])
if erasing and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {{erasing}} end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return {{}}
"""
_ERASE = f"""{_CLOCK}
local erasing = redis.call('GET', KEYS[2])
if erasing and erasing ~= ARGV[1] then return {{erasing}} end
local users = redis.call('ZRANGE', KEYS[1], 0, -1)
if #users == 0 then redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2]) end
return users
"""
_END = """
redis.call('ZREM', KEYS[1], ARGV[1])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
"""


class RedisPresence:
    """Of one process, known to others by ``name``. Whoever gives the client closes it."""

    def __init__(self, client: Redis, prefix: str, name: str) -> None:
        self._keys = [f"{{{prefix}}}:using", f"{{{prefix}}}:erasing"]
        self._name = name
        self._use, self._erase, self._end = map(client.register_script, (_USE, _ERASE, _END))

    async def use(self, seconds: float) -> Sequence[str]:
        """Uses the logs for so long; returns who is in the way, if anybody."""
        return await self._call(self._use, max(1, int(seconds * 1000)))

    async def erase(self, seconds: float) -> Sequence[str]:
        """Erases for so long; returns who is in the way, if anybody."""
        return await self._call(self._erase, max(1, int(seconds * 1000)))

    async def end(self) -> None:
        """Neither any more."""
        await self._call(self._end)

    async def _call(self, script: object, *arguments: int) -> Sequence[str]:
        try:
            reply = await script(self._keys, [self._name, *arguments])  # type: ignore[operator]
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error
        return [one.decode() for one in reply or ()]
