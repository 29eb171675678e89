"""What the desk's tests stand on: real servers, a store whose clock is moved by hand, and a check of I1."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import cast

import redis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streamsel.adapters.redis_desk import RedisReviewQueue
from streamsel.adapters.redis_desk_script import SCRIPT, DeskScript
from streamsel.ports import Answer, Claim, Recording
from streamsel.records import Lane, Query
from streamsel.review.lifecycle import OPEN_STATES, State
from streamsel.review.reviewers import Reviewer
from streamsel.review.routing import Overlap, Routing
from streamsel.review.settings import DeskSettings
from tests.servers import running_redis, running_valkey

SETTINGS = DeskSettings(
    lease_seconds=30.0,
    expire_seconds=600.0,
    recording_seconds=10.0,
    attempts=3,
    retain_seconds=3_600.0,
    window_seconds=60.0,
)

ANN, BOB, CAT, DAN = (Reviewer(name, tier=2) for name in ("ann", "bob", "cat", "dan"))
"""Who may claim from all queues."""

PAIRS = Routing(overlap=Overlap(share=1.0, reviewers=2))
"""Every query is answered by two reviewers."""

LEASE, EXPIRE, RECORDING = SETTINGS.lease_seconds, SETTINGS.expire_seconds, SETTINGS.recording_seconds

_CLOCK = "  local time = call('TIME')\n  return time[1] * 1000000 + time[2]\n"
_CLOCK_BY_HAND = "  return tonumber(call('GET', DESK .. ':clock'))\n"
_CLOCK_KEY = "{test}:desk:clock"


@contextmanager
def serving(name: str) -> Iterator[str]:
    """A server of its own, ``valkey`` or ``redis``, that does not wait for the disk; yields its address."""
    with running_redis() if name == "redis" else running_valkey() as server:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("appendonly", "no")
        yield server.url


def connect(url: str) -> Redis:
    """A client that does not try again, so that an outage is seen at once."""
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0))


@dataclass
class Store:
    """A queue on an empty server, whose clock moves only by ``advance``."""

    client: Redis
    queue: RedisReviewQueue
    settings: DeskSettings = SETTINGS
    routing: Routing | None = None
    now: float = 1_800_000_000.0

    async def advance(self, seconds: float) -> None:
        self.now += seconds
        await self.client.set(_CLOCK_KEY, round(self.now * 1e6))

    async def another_queue(self) -> RedisReviewQueue:
        """As another process would have."""
        return by_hand(RedisReviewQueue(self.client, "test", self.settings, self.routing), self.client)

    async def lose_everything(self) -> None:
        """The store's data is gone; time goes on, and nobody ever sees the store without it."""
        self.now += 1
        async with self.client.pipeline(transaction=True) as together:
            together.flushall()
            together.set(_CLOCK_KEY, round(self.now * 1e6))
            await together.execute()


def by_hand(queue: RedisReviewQueue, client: Redis) -> RedisReviewQueue:
    """Replaces the one place where the script reads the clock."""
    assert SCRIPT.count(_CLOCK) == 1
    known = queue._call
    source = SCRIPT.replace(_CLOCK, _CLOCK_BY_HAND)
    queue._call = DeskScript(client, known._prefix, known._settings, source)
    return queue


@asynccontextmanager
async def empty_store(
    url: str, settings: DeskSettings = SETTINGS, routing: Routing | None = None
) -> AsyncIterator[Store]:
    """Checks at the end that every query is in exactly one state."""
    async with connect(url) as client:
        await client.flushall()
        queue = by_hand(RedisReviewQueue(client, "test", settings, routing), client)
        store = Store(client, queue, settings, routing)
        await store.advance(0)
        yield store
        await store.queue.close()
        await assert_one_state_each(client)


async def assert_one_state_each(client: Redis) -> None:
    """I1: what a slot's hash says, the sorted sets and the counts say, too."""
    members = {
        key.decode().removeprefix("{test}:"): await client.zrange(key, 0, -1)
        for key in cast(list[bytes], await client.keys("{test}:*"))
        if await client.type(key) == b"zset"
    }
    counts: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for key in cast(list[bytes], await client.keys("{test}:query:*")):
        slot = key.removeprefix(b"{test}:query:")
        fields = cast(dict[bytes, bytes], await client.hgetall(key))
        if b"state" not in fields:  # a question whose answer is known; its slots are its reviewers'
            assert b"expected" in fields
            continue
        state = State(fields[b"state"].decode())
        lane = fields.get(b"lane", b"uncertain").decode()
        queue = fields.get(b"queue", b"default").decode()
        expected = {
            State.WAITING: {f"waiting:{queue}", f"since:{queue}"},
            State.LEASED: {"leases"},
            State.RECORDING: {"recordings"},
        }.get(state, {state.value})
        if b"due" in fields and state in OPEN_STATES:
            expected |= {f"due:{queue}"}
        found = {name for name, slots in members.items() if slot in slots}
        assert found - {"complete", "disputed"} == expected
        if state in OPEN_STATES:
            assert await client.pttl(key) == -1
            counts[f"open:{lane}"] += 1
        if state in (State.LEASED, State.RECORDING):
            counts[f"leased:{lane}"] += 1
            held[fields[b"holder"].decode()] += 1
    desk = cast(dict[bytes, bytes], await client.hgetall("{test}:desk"))
    for name, counted in desk.items():
        if name.startswith((b"open:", b"leased:")):
            assert int(counted) == counts.pop(name.decode(), 0)
    assert not counts
    for key in cast(list[bytes], await client.keys("{test}:reviewer:*")):
        in_hand = int(await client.hget(key, "held") or 0)
        assert in_hand == held.pop(key.decode().removeprefix("{test}:reviewer:"), 0)
    assert not held


def query(number: int, lane: Lane = "uncertain", utility: float = 0.5) -> Query:
    """A query like those of a stream of transactions."""
    return Query(
        query_id=f"q{number:04d}",
        event_id=f"transaction-{number}",
        lane=lane,
        propensity=0.25,
        utility=utility,
        probabilities={"fraud": 0.4, "legitimate": 0.6},
        model_version=17,
        decided_at=1_800_000_000.0,
        features={"amount": 12.5, "country": "España", "online": True, "terminal": None},
        context={"note": "a “quoted” note"},
        timestamp=1_799_999_999.0,
        segments={"shop": "12"},
    )


async def claimed(store: Store, number: int = 1, reviewer: Reviewer = ANN) -> Claim:
    """A query offered and claimed; the only one waiting."""
    await store.queue.offer([query(number)])
    (claim,) = await store.queue.claim(reviewer, ["default"], 1)
    assert claim.query == query(number)
    return claim


async def recorded(store: Store, label: str = "fraud") -> Claim:
    """A query whose label is on its way into the log."""
    claim = await claimed(store)
    assert isinstance(await begin(store, claim, label), Recording)
    return claim


async def taken(store: Store, reviewer: Reviewer, *queues: str) -> Claim:
    """The one query that this reviewer can claim now."""
    (claim,) = await store.queue.claim(reviewer, queues, 9)
    return claim


_offsets = count()


async def answered(store: Store, claim: Claim, label: str, by: str) -> Answer:
    """The claim answered, and the answer in the log."""
    recording = await begin(store, claim, label, by)
    assert isinstance(recording, Recording)
    answer = Answer(
        claim.query.query_id,
        label,
        by,
        next(_offsets),
        recording.revision,
        recording.kind,
        recording.slot,
    )
    assert await store.queue.settle([answer]) == [answer]
    return answer


async def begin(
    store: Store, claim: Claim, label: str, by: str = "ann", key: str = "key"
) -> Recording | Answer:
    return await store.queue.begin(claim.query.query_id, claim.fence, by, label, key)


async def state_of(store: Store, claim: Claim) -> State:
    return (await store.queue.view(claim.query.query_id)).state
