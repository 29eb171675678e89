"""What selectors say of their models, in one hash on Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streamsel.ports.replicas import LIVE_SECONDS, Replica
from streamsel.review.refusals import DeskUnreachable


class RedisReplicas:
    """``{prefix}:replicas``, by name: time, spec and digests as JSON. Only the server's clock counts. Whoever
    gives the client closes it."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._key = f"{{{prefix}}}:replicas"

    async def publish(self, replica: Replica) -> None:
        """See ``Replicas``."""
        try:
            seconds, _ = await self._client.time()
            digests = {str(version): digest for version, digest in replica.digests.items()}
            said = orjson.dumps([seconds, replica.spec, digests])
            await self._client.hset(self._key, replica.name, said)
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error

    async def live(self) -> Sequence[Replica]:
        """See ``Replicas``. Forgets those that are not."""
        try:
            now, _ = await self._client.time()
            every: Any = await self._client.hgetall(self._key)
            found, gone = [], []
            for name, said in every.items():
                at, spec, digests = orjson.loads(said)
                if now - at > LIVE_SECONDS:
                    gone.append(name)
                else:
                    by_version = {int(version): digest for version, digest in digests.items()}
                    found.append(Replica(name.decode(), spec, by_version))
            if gone:
                await self._client.hdel(self._key, *gone)
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error
        return sorted(found, key=lambda one: one.name)
