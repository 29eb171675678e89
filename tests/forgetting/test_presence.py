"""Either many use the logs, or one erases from them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_presence import RedisPresence
from streamsel.ports.erasure import InUse
from streamsel.review.refusals import LabelLogUnreachable
from streamsel.services.presence import LEASE_SECONDS, Lease, LeasedLabelLog
from tests.services.desk.desks import LabelLogDouble


class HandClock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


Present = Callable[[str], RedisPresence]


@pytest.fixture
async def present(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Present]:
    """Makes a process of this name."""
    async with Redis.from_url(valkey.url) as client:
        yield lambda name: RedisPresence(client, prefix, name)


async def test_nobody_erases_while_others_use_the_logs(present: Present) -> None:
    """They are named; once they have ended, or their leases, it may."""
    one, other, eraser = map(present, ("one", "other", "eraser"))
    assert await one.use(60.0) == []
    assert await other.use(60.0) == []
    assert sorted(await eraser.erase(60.0)) == ["one", "other"]
    await one.end()
    assert await eraser.erase(60.0) == ["other"]
    await other.use(0.001)
    while in_the_way := await eraser.erase(60.0):
        assert in_the_way == ["other"]


async def test_nobody_uses_the_logs_while_one_erases(present: Present) -> None:
    """Nor does a second one erase; afterwards they may."""
    one, eraser, second = map(present, ("one", "eraser", "second"))
    assert await eraser.erase(60.0) == []
    assert await eraser.erase(60.0) == []
    assert await one.use(60.0) == ["eraser"]
    assert await second.erase(60.0) == ["eraser"]
    await one.end()
    assert await one.use(60.0) == ["eraser"]
    await eraser.end()
    assert await one.use(60.0) == []


async def test_an_append_counts_only_while_the_lease_does() -> None:
    """A process that was paused for too long does not acknowledge what may have gone into a log that is no
    more."""
    clock, in_the_way = HandClock(), list[str]()

    async def hold(_seconds: float) -> list[str]:
        return in_the_way

    lease = Lease(hold, clock, "in the way")
    assert not lease.valid
    await lease.begin()
    log = LeasedLabelLog(LabelLogDouble(), lease)
    assert list(await log.append([b"a"])) == [0]
    clock.now += LEASE_SECONDS
    with pytest.raises(LabelLogUnreachable, match="lost its lease"):
        await log.append([b"b"])
    await lease.begin()
    assert list(await log.append([b"c"])) == [2]
    assert await log.read(0, 2, 0.1) == [(0, b"a"), (1, b"b")]
    assert (await log.beginning(), await log.end()) == (0, 3)
    in_the_way.append("eraser")
    with pytest.raises(InUse, match="in the way: eraser"):
        await lease.begin()
