"""What was configured, in a log of its own: written once, and named by its id wherever it mattered.

An id is the hash of what it names, so a decision or an audit entry that holds one proves what was in force.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import orjson
import structlog

from streamsel.ports import Clock, KeptLog, LogReader, SourceUnavailable

_RECORDS_A_READ = 100
_READ_SECONDS = 5.0
"""For records that are known to be there."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One entry of the log."""

    configuration_id: str
    recorded_at: float
    labels_end: int
    """Where the label log ended then: what stands from there on may have come about under it."""
    content: Mapping[str, Any]
    """As ``config.recorded`` has it."""


def configuration_id(content: Mapping[str, Any]) -> str:
    """128 bits of BLAKE2b over its JSON with sorted keys, as 26 URL-safe characters."""
    digest = blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


async def record(log: KeptLog, labels: LogReader, content: Mapping[str, Any], clock: Clock) -> str:
    """Its id. It is in the log on return, appended unless it stands there last already.

    Raises ``SourceUnavailable``, or what reading the end of ``labels`` raises.
    """
    name, end = configuration_id(content), await log.end()
    async for last in configurations(log, max(end - 1, 0)):
        if last.configuration_id == name:
            return name
    entry = Configuration(name, clock.time(), await labels.end(), content)
    await log.append([orjson.dumps(asdict(entry), option=orjson.OPT_SORT_KEYS)])
    return name


async def configurations(log: LogReader, start: int = 0) -> AsyncIterator[Configuration]:
    """What the log holds from ``start`` on, in order. One that is not what its id says is left out."""
    end = await log.end()
    while start < end:
        read = await log.read(start, _RECORDS_A_READ, _READ_SECONDS)
        if not read:
            raise SourceUnavailable(f"nothing at offset {start} of a configurations log that ends at {end}")
        for offset, content in read:
            start = offset + 1
            if (entry := _decoded(content)) is None:
                structlog.get_logger().warning("configuration_unreadable", offset=offset)
            else:
                yield entry


def _decoded(content: bytes) -> Configuration | None:
    try:
        entry = Configuration(**orjson.loads(content))
        return entry if configuration_id(entry.content) == entry.configuration_id else None
    except (orjson.JSONDecodeError, TypeError):
        return None
