"""The desk's store for the load test: an embedded Valkey, filled with queries that wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any, NamedTuple

from redis.asyncio import Redis

from streamsel.adapters.redis_desk import RedisReviewQueue
from streamsel.codec import encode_query
from streamsel.codec.records import query_id_of
from streamsel.records import Query
from streamsel.review.settings import DeskSettings

PREFIX = "loadtest"
LEASE_SECONDS = 3_600.0
EXPIRE_SECONDS = 86_400.0
"""Neither passes while we measure: what lapses would be swept by the claims."""
LABELS = ("legit", "fraud")

_AN_OFFER = 2_048
_OFFERS_AT_ONCE = 4
"""So that the store works while we encode."""
_DISTINCT = 4_096


class Filled(NamedTuple):
    """What so many queries took."""

    seconds: float
    payload_bytes: float
    """Of one query, encoded."""
    bytes_per_query: float
    """Growth of the store's ``used_memory``."""


class Recording(Redis):
    """A client that keeps the words of its last command, so that they can be sent again as they were."""

    words: tuple[str | bytes | float, ...] = ()

    async def execute_command(self, *args: str | bytes | float, **options: object) -> Any:
        self.words = args
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


@asynccontextmanager
async def opened_queue(client: Redis, most_held: int) -> AsyncIterator[RedisReviewQueue]:
    """The desk's queue as the service opens it; each reviewer may hold ``most_held`` queries."""
    settings = DeskSettings(
        lease_seconds=LEASE_SECONDS,
        expire_seconds=EXPIRE_SECONDS,
        recording_seconds=30.0,
        attempts=3,
        retain_seconds=7 * 86_400.0,
        window_seconds=60.0,
        most_held=most_held,
    )
    queue = RedisReviewQueue(client, PREFIX, settings)
    await queue.check()
    yield queue
    await queue.close()


def queries(count: int, seed: int = 1) -> Iterator[Query]:
    """Payments of three features, about 300 bytes each once encoded, every fifth one explored."""
    random = Random(seed)
    drawn = [
        (
            random.random(),
            random.random(),
            {
                "amount": round(random.lognormvariate(3.5, 1.0), 2),
                "age": random.randrange(18, 80),
                "hour": random.randrange(24),
            },
        )
        for _ in range(_DISTINCT)
    ]
    for number in range(count):
        fraud, utility, features = drawn[number % _DISTINCT]
        event_id = f"payment-{number:07d}"
        yield Query(
            query_id=query_id_of(event_id),
            event_id=event_id,
            lane="explore" if number % 5 == 0 else "uncertain",
            propensity=0.2 if number % 5 == 0 else 1.0,
            utility=utility,
            probabilities={"legit": 1.0 - fraud, "fraud": fraud},
            model_version=123_456,
            decided_at=1_800_000_000.0 + number / 1_000,
            features=features,
        )


async def fill(
    queue: RedisReviewQueue, client: Redis, count: int, advance: Callable[[int], object]
) -> Filled:
    """Offers ``count`` queries as a selector does, and waits until the store is at rest again."""
    before, began = await _used_memory(client), asyncio.get_running_loop().time()
    waiting = queries(count)
    lengths: list[int] = []

    async def offer() -> None:
        while some := [query for query, _ in zip(waiting, range(_AN_OFFER), strict=False)]:
            lengths.append(len(encode_query(some[0])))
            await queue.offer(some)
            advance(len(some))

    async with asyncio.TaskGroup() as group:
        for _ in range(_OFFERS_AT_ONCE):
            group.create_task(offer())
    seconds = asyncio.get_running_loop().time() - began
    await _log_rewritten(client)
    grown = await _used_memory(client) - before
    return Filled(seconds, sum(lengths) / len(lengths), grown / count)


async def cpu_seconds(client: Redis) -> float:
    """CPU time of the store so far, without that of its children that rewrite the log."""
    used = await client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


async def _used_memory(client: Redis) -> int:
    return int((await client.info("memory"))["used_memory"])


async def _log_rewritten(client: Redis) -> None:
    """A million queries at once make the append-only file be rewritten; queries that trickle in do not."""
    while True:
        log = await client.info("persistence")
        if not log["aof_rewrite_in_progress"] and not log["aof_rewrite_scheduled"]:
            return
        await asyncio.sleep(0.1)
