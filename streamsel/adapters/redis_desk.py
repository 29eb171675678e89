"""The desk's queue on Redis 7 or Valkey: one script, one call for each state change (``desk.lua``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streamsel.adapters import redis_desk_replies as replies
from streamsel.adapters.redis_desk_pages import listed, places
from streamsel.adapters.redis_desk_script import Argument, DeskScript
from streamsel.adapters.redis_desk_settings import micros, settings_json
from streamsel.adapters.redis_desk_work import WordOfWork
from streamsel.codec import decode_query, encode_query
from streamsel.ports import (
    Answer,
    Claim,
    GoldQuery,
    Page,
    PastAnswer,
    QueryView,
    QueueStatus,
    Recording,
    Retracted,
    ReviewerActivity,
    Settled,
    StoreRefused,
    Undoing,
)
from streamsel.records import Query
from streamsel.review.lifecycle import State
from streamsel.review.priority import head_start
from streamsel.review.refusals import (
    DeskUnreachable,
    NotUndoable,
    OnBreak,
    Paused,
    Stale,
    Superseded,
    TooLate,
    UnknownQuery,
)
from streamsel.review.reviewers import Reviewer
from streamsel.review.routing import Routing
from streamsel.review.settings import DeskSettings
from streamsel.selection.capacity import CapacityFacts

_T = TypeVar("_T")
_OLDEST_MAJOR_VERSION = 7
_ALL = 0
_ITEMS_A_CALL = 128
"""So many queries or answers go into one call, so that none holds the store for long."""


class RedisReviewQueue:
    """``ports.ReviewQueue`` on a Redis 7 or Valkey server.

    ``client`` must return bytes (``decode_responses=False``); its timeouts and retries bound every call.
    Several desks and selectors share one queue by the same ``prefix``, ``settings`` and ``routing``.
    """

    def __init__(
        self,
        client: Redis,
        prefix: str,
        settings: DeskSettings,
        routing: Routing | None = None,
        *,
        epoch: int = 1,
    ) -> None:
        """``epoch`` is that of the label log which ``settle`` follows."""
        self._client = client
        self._settings = settings
        self._routing = routing or Routing()
        self._queue_names = [queue.name for queue in self._routing.queues]
        keys = f"{{{prefix}}}:"
        self._call = DeskScript(client, keys, settings_json(settings, self._routing, epoch))
        self._work = WordOfWork(client, f"{keys}work")
        self._log = structlog.get_logger()

    async def check(self) -> None:
        """Raises ``StoreRefused`` if the store would lose queries by design; warns if a crash would.

        What waits in queues that are no longer configured then waits in the default one."""
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
        while await self._call("adopt"):
            pass

    async def offer(self, queries: Sequence[Query]) -> int:
        added = 0
        for some in _batches(queries):
            added += await self._call("offer", *chain.from_iterable(map(self._offered, some)))
        return added

    async def set_gold(self, gold: Sequence[GoldQuery]) -> None:
        known = await self._call("oldest", "gold", _ALL)
        asked = {one.query.query_id for one in gold}
        for some in _batches([name for name in map(bytes.decode, known) if name not in asked]):
            await self._call("drop_gold", *some)
        for batch in _batches(gold):
            await self._call("set_gold", *chain.from_iterable(map(self._gold, batch)))

    async def claim(self, reviewer: Reviewer, queues: Sequence[str], count: int) -> Sequence[Claim]:
        names = self._routing.open_to(reviewer, queues)
        reply = await self._call("claim", reviewer.name, count, *names)
        match reply:
            case [b"paused", bytes(reason)]:
                raise Paused(reason.decode())
            case [b"break", int(end), int(now)]:
                raise OnBreak((end - now) / 1e6)
        return self._claims(reply)

    async def wait_for_work(self, seconds: float) -> None:
        await self._work.wait(seconds)

    async def extend(self, query_id: str, fence: int, reviewer: str) -> Claim:
        (claim,) = self._claims(await self._ask("extend", query_id, fence, reviewer))
        return claim

    async def release(self, query_id: str, fence: int, reviewer: str) -> None:
        await self._ask("release", query_id, fence, reviewer)

    async def skip(self, query_id: str, fence: int, reviewer: str, reason: str) -> None:
        await self._ask("skip", query_id, fence, reviewer, reason)

    async def escalate(self, query_id: str, fence: int, reviewer: str, reason: str) -> None:
        await self._ask("escalate", query_id, fence, reviewer, reason)

    async def seize(self, query_id: str) -> Sequence[str]:
        _, holders = await self._ask("seize", query_id)
        return [holder.decode() for holder in holders]

    async def begin(
        self, query_id: str, fence: int, reviewer: str, label: str, idempotency_key: str
    ) -> Recording | Answer:
        opened = await self._ask("begin", query_id, fence, reviewer, label, idempotency_key)
        match opened:
            case [b"answered", *word]:
                return replies.answer(word)
            case [b"late", bytes(state), bytes(payload)]:
                raise TooLate(decode_query(payload), State(state.decode()))
        return replies.recording(opened[1:])

    async def abort(self, query_id: str, fence: int, reviewer: str) -> None:
        await self._ask("abort", query_id, fence, reviewer)

    async def settle(self, words: Sequence[Answer | Retracted], position: int = 0) -> Sequence[Answer]:
        standing: list[Answer] = []
        *before, last = list(_batches(words)) or [()]
        # The position moves last: until then a crash only repeats what was settled.
        for some, reached in [*((some, 0) for some in before), (last, position)]:
            parts = await self._call("settle", reached, *chain.from_iterable(map(_word, some)))
            standing += map(replies.answer, replies.in_groups(parts, 7))
        return standing

    async def settled(self) -> Settled:
        position, at = await self._call("settled")
        return Settled(position, at / 1e6)

    async def complete(self, count: int) -> Sequence[QueryView]:
        return await self._views(await self._call("oldest", "complete", count))

    async def dispute(self, query_id: str) -> None:
        await self._ask("dispute", query_id)

    async def disputes(self, count: int) -> Sequence[QueryView]:
        return await self._views(await self._call("oldest", "disputed", count))

    async def retract(self, query_id: str, revision: int, reviewer: str) -> Undoing | Claim:
        reply = await self._ask("retract", query_id, revision, reviewer)
        match reply:
            case [b"undoing", bytes(label_id), int(next_revision)]:
                return Undoing(label_id.decode(), next_revision)
            case [b"stale", int(newest)]:
                raise Stale(query_id, newest)
            case [b"fixed"]:
                raise NotUndoable(
                    query_id, "only your own last answers can be undone, while nothing was built on them"
                )
        (claim,) = self._claims(reply)
        return claim

    async def sweep(self, log_settled_at: float = 0.0) -> int:
        moved: int = await self._call("sweep", micros(log_settled_at))
        return moved

    async def pause(self, reviewer: str, reason: str) -> None:
        await self._call("pause", reviewer, reason)

    async def resume(self, reviewer: str) -> None:
        await self._call("resume", reviewer)

    async def view(self, query_id: str, reviewer: str = "") -> QueryView:
        views = await self._views([query_id.encode()], reviewer)
        if not views:
            raise UnknownQuery(query_id, "no such query, or it was finished too long ago")
        return views[0]

    async def page(
        self,
        state: State | None,
        queue: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page:
        found: list[QueryView] = []
        for place in places(self._queue_names, state, queue, cursor):
            while (wanted := limit - len(found)) > 0:
                reply = await self._call("members", place.key, place.score, place.member, wanted)
                members = reply[::2]
                views = await self._views([member.partition(b"~")[0] for member in members])
                found += listed(members, {view.query.query_id: view for view in views}, queue)
                if len(members) < wanted:
                    break
                place = place.after(*reply[-2:])
            else:
                return Page(found, place.cursor)
        return Page(found, None)

    async def answers(self, reviewer: str) -> Sequence[PastAnswer]:
        return replies.past_answers(await self._call("answers", reviewer))

    async def reviewers(self) -> Sequence[ReviewerActivity]:
        return replies.activity(await self._call("reviewers"))

    async def status(self) -> QueueStatus:
        return replies.status(await self._call("status"), self._queue_names)

    async def report(self, selector: str, events_per_second: float) -> CapacityFacts:
        facts, events, selectors = await self._call("report", selector, events_per_second)
        status = replies.status(facts, self._queue_names)
        # What has been escalated waits for others, and does not stop these reviewers' work.
        first = [status.queues[name] for name in self._routing.first_queues]
        return CapacityFacts(
            backlog=sum(queue.waiting for queue in first) + sum(status.leased.values()),
            oldest_seconds=max(queue.oldest_seconds for queue in first),
            live_reviewers=status.live_reviewers,
            completions_per_second=status.completions_per_second,
            mean_review_seconds=status.mean_review_seconds,
            events_per_second=float(events),
            selectors=selectors,
        )

    async def close(self) -> None:
        """Ends the subscription; the client stays open."""
        await self._work.close()

    async def _ask(self, operation: str, query_id: str, *arguments: Argument) -> Any:
        """Calls what names one query, and raises its refusals."""
        reply = await self._call(operation, query_id, *arguments)
        match reply:
            case [b"unknown"]:
                raise UnknownQuery(query_id, "no such query, or it was finished too long ago")
            case [b"superseded", bytes(state)]:
                raise Superseded.by(query_id, State(state.decode()))
        return reply

    async def _views(self, query_ids: Sequence[bytes], reviewer: str = "") -> Sequence[QueryView]:
        """Of those that are known, in their order."""
        names = list(dict.fromkeys(query_ids))
        if not names:
            return []
        found = await self._call("view", reviewer, *names)
        return [replies.view(fields, self._lead) for fields in found if fields]

    def _offered(self, query: Query) -> tuple[Argument, ...]:
        placed = self._routing.place(query)
        where = placed.queue, placed.slots, int(placed.sensitive)
        return query.query_id, query.lane, self._lead(query), encode_query(query), *where

    def _lead(self, query: Query) -> int:
        return micros(head_start(query) * self._settings.ageing_seconds)

    def _gold(self, gold: GoldQuery) -> tuple[Argument, ...]:
        query, placed = gold.query, self._routing.place(gold.query)
        where = placed.queue, int(placed.sensitive)
        return query.query_id, query.lane, encode_query(query), *where, gold.expected

    def _claims(self, reply: Sequence[Any]) -> Sequence[Claim]:
        lease_end, *parts = reply
        return [
            replies.claim(one, self._settings.lease_seconds, lease_end / 1e6)
            for one in replies.in_groups(parts, 6)
        ]


def _batches(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (items[i : i + _ITEMS_A_CALL] for i in range(0, len(items), _ITEMS_A_CALL))


def _word(word: Answer | Retracted) -> tuple[Argument, ...]:
    if isinstance(word, Retracted):
        query_id, _, slot = word.label_id.partition("~")
        return "retraction", query_id, slot, "", "", word.revision, word.offset
    return (
        word.kind,
        word.query_id,
        word.slot if word.kind == "overlap" else "",
        word.label,
        word.labelled_by,
        word.revision,
        word.offset,
    )
