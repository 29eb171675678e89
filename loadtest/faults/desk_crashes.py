"""A desk that dies before or after any effect on store and log, while reviewers answer, correct and undo.

Store and label log are real, on an embedded Valkey. A reviewer whose desk died says the same again to the
next one, by the same key, as programs and pages do.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from redis.asyncio import Redis

from loadtest.inside.fate import Fate, Killed
from loadtest.outside.counts import Counts
from streamsel.adapters.clock import SystemClock
from streamsel.adapters.redis_desk import RedisReviewQueue
from streamsel.adapters.redis_streams import RedisStreams, ensure_streams
from streamsel.adapters.redis_streams_log import RedisLabelLog
from streamsel.codec import decode_log_record
from streamsel.metrics import Metrics
from streamsel.ports import Claim, LabelLog, ReviewQueue
from streamsel.records import Label, Query, Retraction
from streamsel.review.lifecycle import State
from streamsel.review.reviewers import Reviewer
from streamsel.review.settings import DeskSettings
from streamsel.services.desk import Desk

LABELS = ("legit", "fraud")
REVIEWERS = tuple(Reviewer(name, tier=2) for name in ("ann", "ben"))
MOST_QUERIES = 4
EFFECTS = ("begin", "abort", "settle", "dispute", "retract", "append")
"""What of store and log changes either of them."""

_SETTINGS = DeskSettings(
    lease_seconds=60.0,
    expire_seconds=3_600.0,
    recording_seconds=30.0,
    attempts=3,
    retain_seconds=3_600.0,
    window_seconds=60.0,
)
_PATIENCE_SECONDS = 30.0


class _Mortal:
    """A store or log whose effects are counted by a fate, each before it happens and after."""

    def __init__(self, real: object, fate: Fate) -> None:
        self._real = real
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        if name not in EFFECTS:
            return method

        async def mortal(*arguments: Any) -> Any:
            self._fate.effect()
            done = await method(*arguments)
            self._fate.effect()
            return done

        return mortal


@dataclass
class _Place:
    """One store and one log, and what reviewers remember of them."""

    queue: ReviewQueue
    log: LabelLog
    claims: dict[str, Claim] = field(default_factory=dict)
    """By query id, those in hand."""
    answered: dict[str, str] = field(default_factory=dict)
    """By query id, the label that was last confirmed."""


async def desk_crashes(url: str, seed: int) -> AsyncIterator[Counts]:
    """The counts after a death at each effect of one random history, until there is none left to die at.

    ``url`` is of a server whose data is dropped.
    """
    for lives in count():
        died, counts = await _history(url, seed, lives)
        if not died:
            return
        yield counts


async def _history(url: str, seed: int, lives: int) -> tuple[bool, Counts]:
    """Whether the first desk died, and the counts when the second one had gone on to the end."""
    # What a dead process leaves behind is nobody's affair.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    prefix = f"crash-{secrets.token_hex(4)}"
    client = Redis.from_url(url)
    streams = RedisStreams(url, prefix)
    await ensure_streams(streams, partitions=1)
    queue, log = RedisReviewQueue(client, prefix, _SETTINGS), RedisLabelLog(streams, 1)
    place = _Place(queue, log)
    draw = Random(seed)
    queries = [_query(number) for number in range(draw.randint(1, MOST_QUERIES))]
    steps = _steps(draw, queries)
    await queue.offer(queries)
    fate = Fate(lives)
    try:
        done = 0
        for one in (fate, Fate()):
            desk = Desk(
                _Mortal(queue, one),
                _Mortal(log, one),
                LABELS,
                SystemClock(),
                Metrics(),
                sweep_seconds=0.05,
            )
            upkeep = asyncio.create_task(desk.run())
            try:
                with suppress(Killed):
                    while done < len(steps):
                        await steps[done](desk, place)
                        done += 1
                    await _settled(desk, queries, one)
            finally:
                # Not cancelled twice, or redis-py loses connections.
                upkeep.cancel()
                await asyncio.gather(upkeep, return_exceptions=True)
        return fate.dead, await _counted(place, queries)
    finally:
        await log.close()
        await queue.close()
        await client.flushdb()
        await client.aclose()


_Step = Callable[[Desk, _Place], Awaitable[None]]


def _steps(draw: Random, queries: Sequence[Query]) -> list[_Step]:
    """Every query is claimed and answered; some answers are corrected, some taken back and given anew."""
    steps: list[_Step] = []
    for number in range(len(queries)):
        reviewer, label = draw.choice(REVIEWERS), draw.choice(LABELS)
        steps += [_claiming(reviewer, number), _answering(reviewer, number, label, "first")]
        what = draw.random()
        if what < 0.3:
            steps.append(_correcting(reviewer, number, LABELS[1 - LABELS.index(label)]))
        elif what < 0.6:
            steps += [_undoing(reviewer, number), _answering(reviewer, number, draw.choice(LABELS), "again")]
    return steps


def _claiming(reviewer: Reviewer, number: int) -> _Step:
    async def claim(desk: Desk, place: _Place) -> None:
        (one,) = await desk.claim(reviewer)
        place.claims[str(number)] = one

    return claim


def _answering(reviewer: Reviewer, number: int, label: str, key: str) -> _Step:
    async def answer(desk: Desk, place: _Place) -> None:
        claim = place.claims[str(number)]
        query_id = claim.query.query_id
        await desk.label(query_id, claim.fence, reviewer.name, label, f"{number}-{key}")
        place.answered[query_id] = label

    return answer


def _correcting(reviewer: Reviewer, number: int, label: str) -> _Step:
    async def correct(desk: Desk, place: _Place) -> None:
        query_id = place.claims[str(number)].query.query_id
        await desk.correct(query_id, 1, reviewer, label)
        place.answered[query_id] = label

    return correct


def _undoing(reviewer: Reviewer, number: int) -> _Step:
    async def undo(desk: Desk, place: _Place) -> None:
        query_id = place.claims[str(number)].query.query_id
        place.claims[str(number)] = await desk.undo(query_id, 1, reviewer.name)
        place.answered.pop(query_id, None)

    return undo


async def _settled(desk: Desk, queries: Sequence[Query], fate: Fate) -> None:
    """Every query is labelled, or the desk that should see to it is dead."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        for query in queries:
            while not fate.dead and (await desk.view(query.query_id)).state != State.LABELLED:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)
    if fate.dead:
        raise Killed


async def _counted(place: _Place, queries: Sequence[Query]) -> Counts:
    records = [decode_log_record(content) for _, content in await place.log.read(0, 1_000, 0.0)]
    labels = [record for record in records if isinstance(record, Label)]
    newest = {one.query_id: one.label for one in sorted(labels, key=lambda one: one.revision)}
    revisions = Counter(
        (one.label_id, one.revision) for one in records if isinstance(one, Label | Retraction)
    )
    return Counts(
        queries=len(queries),
        labels=len(place.answered),
        labels_lost=sum(newest.get(query) != label for query, label in place.answered.items()),
        labels_doubled=sum(times - 1 for times in revisions.values()),
    )


def _query(number: int) -> Query:
    return Query(
        query_id=f"q{number}",
        event_id=f"e{number}",
        lane="uncertain",
        propensity=0.5,
        utility=0.5,
        probabilities=dict.fromkeys(LABELS, 0.5),
        model_version=0,
        decided_at=0.0,
        features={"amount": float(number)},
    )
