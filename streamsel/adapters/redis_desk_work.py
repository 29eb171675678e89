"""Word that there may be work, from the desk's store to all who wait for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streamsel.services.ending import end

_RECONNECT_SECONDS = 0.5


class WordOfWork:
    """Listens on a channel of the store; the subscription begins with the first wait."""

    def __init__(self, client: Redis, channel: str) -> None:
        self._client = client
        self._channel = channel
        self._log = structlog.get_logger()
        self._work = asyncio.Event()
        self._subscription: asyncio.Task[None] | None = None

    async def wait(self, seconds: float) -> None:
        """Returns with the next word, or after ``seconds``."""
        if self._subscription is None or self._subscription.done():
            self._subscription = asyncio.create_task(self._listen(), name="desk-work")
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._work.wait()

    async def close(self) -> None:
        """Ends the subscription."""
        if self._subscription is not None:
            await end(self._subscription)

    async def _listen(self) -> None:
        """Wakes all who wait whenever the store tells of work, and whenever word of it may have been lost."""
        lost = False
        while True:
            try:
                async with self._client.pubsub() as subscription:
                    await subscription.subscribe(self._channel)
                    # A confirmed subscription wakes as well: word may have been lost before.
                    async for _ in subscription.listen():
                        lost = False
                        self._work.set()
                        self._work = asyncio.Event()
            except (RedisError, OSError) as error:
                if not lost:
                    self._log.warning("desk_subscription_lost", error=str(error))
                lost = True
                await asyncio.sleep(_RECONNECT_SECONDS)
