"""Delivery positions on Redis: for each stream a key that names who delivers it, and one for how far."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.exceptions import RedisError

from streamsel.review.refusals import DeskUnreachable

_HOLD = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return false end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[3]) end
return redis.call('GET', KEYS[2]) or '-1'
"""


class RedisDeliveryPositions:
    """``{prefix}:webhooks:<stream>:holder``, which ends with its hold, and ``…:delivered``. Whoever gives the
    client closes it."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._prefix = f"{{{prefix}}}:webhooks:"
        self._script = client.register_script(_HOLD)

    async def hold(
        self, stream: str, holder: str, seconds: float, delivered: int | None = None
    ) -> int | None:
        """See ``DeliveryPositions``."""
        keys = [f"{self._prefix}{stream}:{name}" for name in ("holder", "delivered")]
        milliseconds, noted = max(1, int(seconds * 1000)), "" if delivered is None else str(delivered)
        try:
            position = await self._script(keys, [holder, milliseconds, noted])
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error
        return None if position is None else int(position)
