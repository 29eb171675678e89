"""The desk's script in its store: loaded when it is missing, called by a name that only this text has."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from streamsel.review.refusals import DeskUnreachable

SCRIPT = resources.files("streamsel.adapters").joinpath("desk.lua").read_text(encoding="utf-8")

Argument: TypeAlias = str | bytes | float

_NAME = "streamsel_desk"
_MISSING = "Function not found"


class DeskScript:
    """One call is one atomic change of the store."""

    def __init__(self, client: Redis, prefix: str, settings: bytes, source: str = SCRIPT) -> None:
        self.client = client
        self._prefix = prefix
        self._settings = settings
        self._name = f"{_NAME}_{hashlib.sha256(source.encode()).hexdigest()[:12]}"
        self._source = source.replace(_NAME, self._name)

    async def __call__(self, operation: str, *arguments: Argument) -> Any:
        """What the operation returns; raises ``DeskUnreachable``."""
        try:
            try:
                return await self._call(operation, *arguments)
            except ResponseError as error:
                if _MISSING not in str(error):
                    raise
                await self.client.function_load(self._source, replace=True)
                return await self._call(operation, *arguments)
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error

    def _call(self, operation: str, *arguments: Argument) -> Any:
        values: Any = (self._prefix, operation, self._settings, *arguments)  # typed too narrowly there
        return self.client.fcall(self._name, 1, *values)
