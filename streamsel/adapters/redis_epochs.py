"""The label log's epochs on Redis streams: a stream each, and a key that holds the number in force."""

from __future__ import annotations

from collections.abc import Sequence

from streamsel.adapters.redis_streams import RedisStreams, answering, command
from streamsel.adapters.redis_streams_log import RedisLabelLog
from streamsel.ports import SourceUnavailable


class RedisEpochs:
    """See ``Epochs``. The stream of epoch 1 is ``labels``, that of another ``labels.<epoch>``."""

    def __init__(self, streams: RedisStreams) -> None:
        self._streams = streams
        self._key = streams.key("epoch")
        self._client = streams.client()

    async def current(self) -> int:
        """See ``Epochs``."""
        async with answering(SourceUnavailable, f"reading {self._key}"):
            return int(await command(self._client, "GET", self._key) or 1)

    async def log(self, epoch: int) -> RedisLabelLog:
        """See ``Epochs``."""
        return RedisLabelLog(self._streams, epoch)

    async def begin(self) -> int:
        """See ``Epochs``."""
        epoch = await self.current() + 1
        async with answering(SourceUnavailable, "beginning an epoch"):
            await command(self._client, "DEL", self._streams.labels_of(epoch))
        return epoch

    async def switch(self, epoch: int) -> None:
        """See ``Epochs``."""
        async with answering(SourceUnavailable, f"writing {self._key}"):
            await command(self._client, "SET", self._key, epoch)

    async def older(self) -> Sequence[int]:
        """See ``Epochs``."""
        current = await self.current()
        async with answering(SourceUnavailable, "looking for older epochs"):
            return [
                epoch
                for epoch in range(1, current)
                if await command(self._client, "EXISTS", self._streams.labels_of(epoch))
            ]

    async def drop(self, epochs: Sequence[int]) -> None:
        """See ``Epochs``."""
        async with answering(SourceUnavailable, "dropping older epochs"):
            for epoch in epochs:
                await command(self._client, "DEL", self._streams.labels_of(epoch))

    async def close(self) -> None:
        await self._client.aclose()
