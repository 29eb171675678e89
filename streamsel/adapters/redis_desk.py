"""The desk's queue on Redis 7 or Valkey: one script, one call for each state change (``desk.lua``)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import resources
from itertools import chain
from typing import Any, TypeAlias, TypeVar, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streamsel.codec import decode_query, encode_query
from streamsel.ports import (
    Answer,
    Claim,
    QueryView,
    QueueStatus,
    Recording,
    Settled,
    StoreRefused,
)
from streamsel.records import Query
from streamsel.review.lifecycle import QUEUES, State
from streamsel.review.priority import head_start
from streamsel.review.refusals import DeskUnreachable, Superseded, UnknownQuery
from streamsel.review.settings import DeskSettings
from streamsel.selection.capacity import CapacityFacts

SCRIPT = resources.files("streamsel.adapters").joinpath("desk.lua").read_text(encoding="utf-8")

_T = TypeVar("_T")
_Argument: TypeAlias = str | bytes | float
_OLDEST_MAJOR_VERSION = 7
_QUERIES_A_CALL = 128
"""So many queries or answers go into one call, so that none holds the store for long."""
_RECONNECT_SECONDS = 0.5
_OPINION = b"opinion:"


class RedisReviewQueue:
    """``ports.ReviewQueue`` on a Redis 7 or Valkey server.

    ``client`` must return bytes (``decode_responses=False``); its timeouts and retries bound every call.
    Several desks and selectors share one queue by the same ``prefix`` and the same ``settings``.
    """

    def __init__(self, client: Redis, prefix: str, settings: DeskSettings) -> None:
        self._client = client
        self._settings = settings
        self._script = client.register_script(SCRIPT)
        self._query_key = f"{{{prefix}}}:query:"
        self._channels = [f"{{{prefix}}}:waiting:{queue}" for queue in QUEUES]
        since = [f"{{{prefix}}}:since:{queue}" for queue in QUEUES]
        others = [
            f"{{{prefix}}}:{name}" for name in ("leases", "recordings", "reviewers", "selectors", "desk")
        ]
        self._keys = [self._query_key, *self._channels, *since, *others]
        self._limits = (
            _micros(settings.lease_seconds),
            _micros(settings.expire_seconds),
            _micros(settings.recording_seconds),
            settings.attempts,
            _micros(settings.retain_seconds),
            _micros(settings.window_seconds),
        )
        self._log = structlog.get_logger()
        self._work = asyncio.Event()
        self._subscription: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Raises ``StoreRefused`` if the store would lose queries by design; warns if a crash would."""
        try:
            server, memory, persistence = [
                await self._client.info(section) for section in ("server", "memory", "persistence")
            ]
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error
        version = str(server["redis_version"])
        if int(version.split(".")[0]) < _OLDEST_MAJOR_VERSION:
            raise StoreRefused(f"redis_version is {version}; the desk needs Redis 7 or Valkey")
        policy = memory.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            raise StoreRefused(
                f"maxmemory-policy is {policy}, by which the store would silently drop queries; "
                "it must be noeviction"
            )
        if not persistence.get("aof_enabled"):
            self._log.warning(
                "desk_store_not_persistent",
                detail="appendonly is off: a restart of the store loses what waits; labels are in the log",
            )

    async def offer(self, queries: Sequence[Query]) -> int:
        added = 0
        for some in _batches(queries):
            added += await self._call("offer", *chain.from_iterable(map(self._offered, some)))
        return added

    async def claim(self, reviewer: str, queue: str, count: int) -> Sequence[Claim]:
        if queue not in QUEUES:
            raise ValueError(f"no queue '{queue}': there are {', '.join(QUEUES)}")
        lease_end, *claims = await self._call("claim", reviewer, queue, count)
        return [
            self._claim(payload, queue, fence, attempt, lease_end)
            for payload, fence, attempt in zip(claims[::3], claims[1::3], claims[2::3], strict=True)
        ]

    async def wait_for_work(self, seconds: float) -> None:
        if self._subscription is None or self._subscription.done():
            self._subscription = asyncio.create_task(self._listen(), name="desk-work")
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._work.wait()

    async def extend(self, query_id: str, fence: int, reviewer: str) -> Claim:
        lease_end, payload, fence, attempt, queue = await self._ask("extend", query_id, fence, reviewer)
        return self._claim(payload, queue.decode(), fence, attempt, lease_end)

    async def release(self, query_id: str, fence: int, reviewer: str) -> None:
        await self._ask("release", query_id, fence, reviewer)

    async def escalate(self, query_id: str, fence: int, reviewer: str, reason: str) -> None:
        await self._ask("escalate", query_id, fence, reviewer, reason)

    async def begin(
        self, query_id: str, fence: int, reviewer: str, label: str, idempotency_key: str
    ) -> Recording | Answer:
        opened = await self._ask("begin", query_id, fence, reviewer, label, idempotency_key)
        if opened[0] == b"answered":
            return _answer(query_id.encode(), *opened[1:])
        _, payload, since_claim, repeated = opened
        return Recording(decode_query(payload), since_claim / 1e6, bool(repeated))

    async def abort(self, query_id: str, fence: int, reviewer: str) -> None:
        await self._ask("abort", query_id, fence, reviewer)

    async def settle(self, answers: Sequence[Answer], position: int = 0) -> Sequence[Answer]:
        standing: list[Answer] = []
        *before, last = list(_batches(answers)) or [()]
        # The position moves last: until then a crash only repeats what was settled.
        for some, reached in [*((some, 0) for some in before), (last, position)]:
            parts = await self._call("settle", reached, *chain.from_iterable(map(_settled, some)))
            standing += (_answer(*parts[i : i + 4]) for i in range(0, len(parts), 4))
        return standing

    async def settled(self) -> Settled:
        position, at = await self._call("settled")
        return Settled(position, at / 1e6)

    async def sweep(self, log_settled_at: float = 0.0) -> int:
        moved: int = await self._call("sweep", _micros(log_settled_at))
        return moved

    async def view(self, query_id: str) -> QueryView:
        try:
            found = cast(dict[bytes, bytes], await self._client.hgetall(self._query_key + query_id))
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error
        if not found:
            raise UnknownQuery(query_id, "no such query, or it was finished too long ago")
        state = State(found[b"state"].decode())
        answered = state == State.LABELLED
        return QueryView(
            query=decode_query(found[b"payload"]),
            state=state,
            queue=found[b"queue"].decode(),
            fence=int(found.get(b"fence", 0)),
            attempts=int(found.get(b"lapses", 0)),
            offered_at=int(found[b"offered"]) / 1e6,
            reason=found.get(b"reason", b"").decode(),
            answer=_answer(query_id.encode(), *(found[name] for name in (b"label", b"by", b"offset")))
            if answered
            else None,
            opinions=[
                {"reviewer": name.removeprefix(_OPINION).decode(), "label": label.decode()}
                for name, label in sorted(found.items())
                if name.startswith(_OPINION)
            ],
        )

    async def status(self) -> QueueStatus:
        desk, reviewers, rate, _, oldest, _, oldest_escalated = await self._call("status")
        totals = _totals(desk)
        return QueueStatus(
            waiting=_by_lane(totals, "waiting:"),
            leased=_by_lane(totals, "leased:"),
            oldest_seconds=max(oldest, oldest_escalated) / 1e6,
            live_reviewers=reviewers,
            completions_per_second=float(rate),
            mean_review_seconds=_mean_review_seconds(totals),
            expired_total=int(totals.get("expired", 0)),
            dead_total=int(totals.get("dead", 0)),
        )

    async def report(self, selector: str, events_per_second: float) -> CapacityFacts:
        desk, reviewers, rate, waiting, oldest, _, _, events, selectors = await self._call(
            "report", selector, events_per_second
        )
        totals = _totals(desk)
        return CapacityFacts(
            # What has been escalated waits for others, and does not stop these reviewers' work.
            backlog=waiting + sum(_by_lane(totals, "leased:").values()),
            oldest_seconds=oldest / 1e6,
            live_reviewers=reviewers,
            completions_per_second=float(rate),
            mean_review_seconds=_mean_review_seconds(totals),
            events_per_second=float(events),
            selectors=selectors,
        )

    async def close(self) -> None:
        """Ends the subscription; the client stays open."""
        # Before Python 3.12 wait_for, and so redis-py, may swallow a cancellation.
        while self._subscription is not None and not self._subscription.done():
            self._subscription.cancel()
            await asyncio.wait([self._subscription], timeout=_RECONNECT_SECONDS)

    async def _call(self, operation: str, *arguments: _Argument) -> Any:
        try:
            return await self._script(self._keys, (operation, *self._limits, *arguments))
        except (RedisError, OSError) as error:
            raise DeskUnreachable(f"the desk's store did not answer: {error}") from error

    async def _ask(self, operation: str, query_id: str, *arguments: _Argument) -> Any:
        """Calls what names one query, and raises its refusals."""
        reply = await self._call(operation, query_id, *arguments)
        match reply:
            case [b"unknown"]:
                raise UnknownQuery(query_id, "no such query, or it was finished too long ago")
            case [b"superseded", bytes(state)]:
                raise Superseded.by(query_id, State(state.decode()))
        return reply

    async def _listen(self) -> None:
        """Wakes all who wait whenever the store tells of work, and whenever word of it may have been lost."""
        lost = False
        while True:
            try:
                async with self._client.pubsub() as subscription:
                    await subscription.subscribe(*self._channels)
                    # Confirmed subscriptions wake as well: word may have been lost before, or between two.
                    async for _ in subscription.listen():
                        lost = False
                        self._work.set()
                        self._work = asyncio.Event()
            except (RedisError, OSError) as error:
                if not lost:
                    self._log.warning("desk_subscription_lost", error=str(error))
                lost = True
                await asyncio.sleep(_RECONNECT_SECONDS)

    def _offered(self, query: Query) -> tuple[_Argument, ...]:
        ahead = _micros(head_start(query) * self._settings.ageing_seconds)
        return query.query_id, query.lane, ahead, encode_query(query)

    def _claim(self, payload: bytes, queue: str, fence: int, attempt: int, lease_end: int) -> Claim:
        return Claim(
            query=decode_query(payload),
            queue=queue,
            fence=fence,
            attempt=attempt,
            lease_seconds=self._settings.lease_seconds,
            lease_expires_at=lease_end / 1e6,
        )


def _micros(seconds: float) -> int:
    return round(seconds * 1e6)


def _batches(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (items[i : i + _QUERIES_A_CALL] for i in range(0, len(items), _QUERIES_A_CALL))


def _settled(answer: Answer) -> tuple[_Argument, ...]:
    return answer.query_id, answer.label, answer.labelled_by, answer.offset


def _answer(query_id: bytes, label: bytes, labelled_by: bytes, offset: bytes) -> Answer:
    return Answer(query_id.decode(), label.decode(), labelled_by.decode(), int(offset))


def _totals(pairs: Sequence[bytes]) -> dict[str, float]:
    """The HASH of the desk as a whole."""
    return {name.decode(): float(value) for name, value in zip(pairs[::2], pairs[1::2], strict=True)}


def _by_lane(totals: Mapping[str, float], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): int(n) for name, n in totals.items() if name.startswith(prefix)}


def _mean_review_seconds(totals: Mapping[str, float]) -> float | None:
    return totals["review"] / 1e6 if "review" in totals else None
