"""The least rights on Redis that work: what each part of a process calls, on which keys.

Names of commands are those of the ACL; names of keys follow the prefix, as in the header of ``desk.lua``.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from streamsel.doctor.roles import BOTH, ProcessRole


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of a process does."""

    does: str
    roles: AbstractSet[ProcessRole]
    commands: str
    keys: str = ""
    """Patterns."""
    channels: str = ""
    for_logs: bool = False
    """Only where the logs run on Redis streams."""


_SELECTOR: AbstractSet[ProcessRole] = frozenset({"selector"})
_DESK: AbstractSet[ProcessRole] = frozenset({"desk"})

PARTS = (
    Part("connects and checks the server", BOTH, "select info time config|get multi discard"),
    Part(
        "keeps the desk",
        BOTH,
        "fcall function|load del exists hdel hget hgetall hincrby hmget hset lpos lpush lrange lrem ltrim "
        "persist pexpire publish sadd smembers time zadd zcard zcount zrange zrangebyscore zrank zrem "
        "zscore subscribe unsubscribe",
        # The script is given what all keys begin with as its one key; hence the empty one.
        " query:* waiting:* since:* due:* leases recordings opined labelled expired dead complete disputed "
        "gold reviewers reviewer:* answers:* queues selectors desk",
        "work",
    ),
    Part(
        "tells others that it uses the logs",
        BOTH,
        "evalsha script|load time get set del zadd zrange zrem zremrangebyscore zscore",
        "using erasing",
    ),
    Part("knows sessions", BOTH, "getex", "session:*"),
    Part("opens and ends sessions", _DESK, "set getdel"),
    Part("keeps the history", _DESK, "xadd xrange", "history"),
    Part("delivers webhooks and asks other oracles", _DESK, "evalsha script|load get set", "webhooks:*"),
    Part("compares models", _SELECTOR, "time hset hgetall hdel", "replicas"),
    Part(
        "reads and writes the logs",
        BOTH,
        "get set multi exec xadd xread xrange xrevrange",
        "events:* decisions:* labels labels.* audit configurations summaries dead-letters outcomes:* "
        "partitions epoch",
        for_logs=True,
    ),
    Part(
        "shares the partitions",
        BOTH,
        "evalsha script|load time incr hget hset hdel xtrim zadd zrange zrem zremrangebyscore",
        "group:*",
        for_logs=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Rights:
    """Of one user."""

    commands: tuple[str, ...]
    keys: tuple[str, ...]
    """Whole patterns."""
    channels: tuple[str, ...]

    def rule(self, user: str, password: str) -> str:
        """As a line of ``users.acl``, and after ``ACL SETUSER``."""
        words = [
            user,
            "on",
            f">{password}",
            "resetkeys",
            "resetchannels",
            "-@all",
            *(f"~{key}" for key in self.keys),
            *(f"&{channel}" for channel in self.channels),
            *(f"+{command}" for command in self.commands),
        ]
        return " ".join(words)


def redis_rights(prefix: str, roles: AbstractSet[ProcessRole], *, with_logs: bool) -> Rights:
    """Of a process with these roles. ``with_logs``: there is no Kafka, the logs run on Redis streams."""
    parts = [part for part in PARTS if part.roles & roles and (with_logs or not part.for_logs)]
    return Rights(
        tuple(sorted({command for part in parts for command in part.commands.split()})),
        tuple(dict.fromkeys(key for part in parts for key in _under(prefix, part.keys))),
        tuple(dict.fromkeys(one for part in parts for one in _under(prefix, part.channels))),
    )


def _under(prefix: str, names: str) -> Iterator[str]:
    if names:
        for name in names.split(" "):
            yield f"{{{prefix}}}:{name}"
