"""Redis: is it there, would it lose or refuse anything, and may we do what we do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streamsel.doctor.finding import Finding, fail, ok, unknown, warn

OLDEST_MAJOR_VERSION = 7
QUERY_BYTES = 4_096
"""Of a query with all that the store keeps about it, generously."""
_FULL = 0.8


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """Of the server; ``unreachable`` tells why there are no others."""

    where: str
    """Without user and password."""
    unreachable: str = ""
    version: str = ""
    policy: str = ""
    appendonly: bool = False
    appendfsync: str | None = None
    """``None`` where it may not be read."""
    used_bytes: int = 0
    limit_bytes: int = 0
    """0: none."""
    machine_bytes: int = 0
    failing: Sequence[str] = ()
    """What of its persistence did not work when it was last tried."""
    denied: Sequence[str] | None = ()
    """Rights we lack, as the ACL writes them; ``None`` where that can't be told."""


def judge_store(facts: StoreFacts, most_waiting: int, *, with_logs: bool) -> Iterator[Finding]:
    """``most_waiting``: queries the desk is to hold at most; ``with_logs``: the logs are kept here too."""
    if facts.unreachable:
        yield fail(
            "redis.reachable",
            f"no server answers at {facts.where}: {facts.unreachable}",
            "set redis.url to a Redis 7 or Valkey server, with its user and password, and let this machine"
            " through to it",
        )
        return
    yield ok("redis.reachable", f"{facts.where} answers")
    if facts.denied is None:
        yield unknown(
            "redis.rights",
            "what the user may do can't be told without MULTI",
            "ACL SETUSER … +multi +discard",
        )
    elif facts.denied:
        yield fail(
            "redis.rights",
            f"the user may not do what the service does; it lacks {' '.join(facts.denied)}",
            f"ACL SETUSER … {' '.join(facts.denied)} (streamsel doctor --acl prints all that is needed)",
        )
    else:
        yield ok("redis.rights", "the user may do all that the service does")
    if not facts.version:
        yield unknown(
            "redis.version", "version, memory and persistence may not be read", "ACL SETUSER … +info"
        )
        return
    if int(facts.version.split(".")[0]) < OLDEST_MAJOR_VERSION:
        yield fail("redis.version", f"it is version {facts.version}", "run Redis 7 or later, or Valkey")
    else:
        yield ok("redis.version", f"it is version {facts.version}")
    yield _policy(facts)
    yield from _persistence(facts, with_logs)
    yield _memory(facts, most_waiting)


def _policy(facts: StoreFacts) -> Finding:
    if facts.policy == "noeviction":
        return ok("redis.eviction", "a full server refuses, and forgets nothing")
    return fail(
        "redis.eviction",
        f"maxmemory-policy is {facts.policy}: a full server would silently drop queries",
        "CONFIG SET maxmemory-policy noeviction, and the same in its configuration file",
    )


def _persistence(facts: StoreFacts, with_logs: bool) -> Iterator[Finding]:
    always = "CONFIG SET appendonly yes; CONFIG SET appendfsync always; and both in its configuration file"
    if not facts.appendonly:
        means = "appendonly is off: a restart loses what waits"
        if with_logs:
            yield fail("redis.durability", f"{means}, and every label", always)
        else:
            yield warn(
                "redis.durability", f"{means}; labels are in Kafka, and the desk rebuilds itself", always
            )
    elif facts.appendfsync is None:
        yield unknown(
            "redis.durability",
            "appendfsync may not be read: when what was confirmed is on disk can't be told",
            "ACL SETUSER … +config|get",
        )
    elif facts.appendfsync != "always":
        means = f"appendfsync is {facts.appendfsync}: a power cut loses a second of claims or more"
        if with_logs:
            yield fail("redis.durability", f"{means}, and labels", always)
        else:
            yield warn("redis.durability", means, always)
    else:
        yield ok("redis.durability", "what is confirmed is on disk")
    for what in facts.failing:
        yield fail(
            "redis.persistence",
            f"{what} is not ok: the server can't write its files, and may refuse to write at all",
            "free space on its disk, make its directory writable, and see its log",
        )


def _memory(facts: StoreFacts, most_waiting: int) -> Finding:
    limit = facts.limit_bytes or facts.machine_bytes
    needed = most_waiting * QUERY_BYTES
    free = limit - facts.used_bytes
    told = f"{_mib(facts.used_bytes)} of {_mib(limit)} MiB are used"
    if free < needed:
        return fail(
            "redis.memory",
            f"{told}; a full desk of {most_waiting} queries takes up to {_mib(needed)} more, and a full"
            " server refuses queries and labels",
            f"CONFIG SET maxmemory {_mib(2 * (facts.used_bytes + needed)) + 1}mb, or a smaller"
            " capacity.retain_seconds",
        )
    if facts.used_bytes > _FULL * limit:
        return warn(
            "redis.memory", told, "CONFIG SET maxmemory to more, or a smaller capacity.retain_seconds"
        )
    if not facts.limit_bytes:
        return warn(
            "redis.memory",
            f"{told}; without maxmemory the system ends the server when memory runs out, instead of the"
            " server refusing",
            f"CONFIG SET maxmemory {_mib(limit) * 3 // 4}mb",
        )
    return ok("redis.memory", told)


def _mib(size: int) -> int:
    return round(size / 1_048_576)
