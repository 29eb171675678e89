"""The desk's history on a Redis stream. An entry's id is its time, so that each is written once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from streamsel.ports.history import Sample
from streamsel.review.refusals import DeskUnreachable

MOST_SAMPLES = 8_640
"""A day's, one every ten seconds."""


class RedisHistory:
    """``{prefix}:history``. Whoever gives the client closes it."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._key = f"{{{prefix}}}:history"

    async def note(self, sample: Sample) -> None:
        """See ``History``."""
        entry = {"v": orjson.dumps(astuple(sample))}
        try:
            await self._client.xadd(
                self._key,
                entry,  # type: ignore[arg-type]
                id=f"{int(sample.at)}-1",
                maxlen=MOST_SAMPLES,
                approximate=True,
            )
        except ResponseError as error:
            if "equal or smaller" not in str(error):
                raise DeskUnreachable(f"the desk's store refused a sample: {error}") from error
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error

    async def since(self, at: float) -> Sequence[Sample]:
        """See ``History``."""
        try:
            entries: Any = await self._client.xrange(self._key, min=f"{max(0, int(at))}-0")
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error
        return [Sample(*orjson.loads(fields[b"v"])) for _, fields in entries]
