"""What there is of Redis."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError

from streamsel.doctor.judging.store import StoreFacts
from streamsel.doctor.looking.redis_probes import denied
from streamsel.doctor.redis_rights import Rights

_WORKS = {
    "aof_last_write_status": "its last write to the append-only file",
    "aof_last_bgrewrite_status": "its last rewriting of the append-only file",
    "rdb_last_bgsave_status": "its last saving in the background",
}


@dataclass(frozen=True, slots=True)
class SeenStore:
    """Facts, and by how many seconds its clock is ahead of ours; ``None`` where that could not be read."""

    facts: StoreFacts
    ahead: float | None = None


async def look_at_store(client: Redis, url: str, rights: Rights) -> SeenStore:
    """``url`` is told without user and password."""
    where = address(url)
    try:
        before = time.time()
        seconds, microseconds = await client.time()
        ahead = seconds + microseconds / 1e6 - (before + time.time()) / 2
    except NoPermissionError:
        ahead = None
    except (RedisError, OSError) as error:
        return SeenStore(StoreFacts(where, unreachable=str(error) or type(error).__name__))
    try:
        return SeenStore(await _facts(client, where, rights), ahead)
    except (RedisError, OSError) as error:
        return SeenStore(StoreFacts(where, unreachable=str(error) or type(error).__name__))


def address(url: str) -> str:
    """An address without user, password and options."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


async def _facts(client: Redis, where: str, rights: Rights) -> StoreFacts:
    lacking = await denied(client, rights)
    try:
        info: dict[str, Any] = {}
        for section in ("server", "memory", "persistence"):
            info |= await client.info(section)
    except NoPermissionError:
        return StoreFacts(where, denied=lacking)
    return StoreFacts(
        where,
        version=str(info["redis_version"]),
        policy=info.get("maxmemory_policy", "noeviction"),
        appendonly=bool(info.get("aof_enabled")),
        appendfsync=await _setting(client, "appendfsync"),
        used_bytes=int(info["used_memory"]),
        limit_bytes=int(info.get("maxmemory", 0)),
        machine_bytes=int(info.get("total_system_memory", 0)),
        failing=[what for field, what in _WORKS.items() if info.get(field, "ok") != "ok"],
        denied=lacking,
    )


async def _setting(client: Redis, name: str) -> str | None:
    try:
        found = (await client.config_get(name)).get(name)
    except RedisError:  # no permission, or a hosted server that has no CONFIG
        return None
    return None if found is None else str(found)
