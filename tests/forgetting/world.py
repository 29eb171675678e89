"""A small installation on a real Valkey with a subject's traces in every place, and processes that erase them
and die."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson
from redis.asyncio import Redis

from loadtest.inside.fate import Fate
from streamsel.adapters.clock import SystemClock
from streamsel.adapters.redis_desk import RedisReviewQueue
from streamsel.adapters.redis_epochs import RedisEpochs
from streamsel.adapters.redis_erasure import RedisErasableLog, RedisErasure
from streamsel.adapters.redis_streams import RedisStreams, ensure_streams
from streamsel.adapters.redis_streams_log import RedisKeptLog
from streamsel.adapters.snapshot_store import FileSnapshotStore
from streamsel.codec import decode_log_record, encode_dead_letter, encode_log_record, encode_query
from streamsel.codec.layout import Layout
from streamsel.codec.summaries import encode_summary
from streamsel.learning.evaluation.sums import Columns
from streamsel.learning.fold import Fold
from streamsel.records import DeadLetter, Directive, LogRecord, Query, Source, Summary
from streamsel.review.routing import Routing
from streamsel.services.erasing import Erasure, Places
from streamsel.services.presence import Lease
from streamsel.services.subjects import Criterion, Subject
from tests.contracts.review_queue.stores import SETTINGS, query
from tests.core.learning_strategies import mixed_record, opinion_record, retraction_record
from tests.services.learning_bench import SPEC

SECRET = "nobody@example.com"
FIELD = "email"
THEIRS = (3, 4, 11)
"""The numbers of the subject's events; a label, an opinion and a decision each, 11 is still asked about."""
LOGS = ("decisions:0", "dead-letters", "events:0", "summaries")


class Mortal:
    """A port whose effects may be its process's last."""

    EFFECTS = ("begin", "switch", "drop", "append", "forget", "erase", "carry_over", "clear", "scrub")

    def __init__(self, port: Any, fate: Fate) -> None:
        self._port = port
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def mortal(*arguments: Any) -> Any:
            if name in self.EFFECTS:
                self._fate.effect()
            result = await method(*arguments)
            return Mortal(result, self._fate) if name == "log" else result

        return method if name == "queries" else mortal


class World:
    """One prefix on one server."""

    def __init__(self, url: str, prefix: str, folder: Path, stack: AsyncExitStack) -> None:
        self.streams = RedisStreams(url, prefix)
        self.client = Redis.from_url(url)
        stack.push_async_callback(self.client.aclose)
        self.epochs = RedisEpochs(self.streams)
        stack.push_async_callback(self.epochs.close)
        self.queue = RedisReviewQueue(self.client, prefix, SETTINGS)
        self.logs = {name: RedisErasableLog(self.streams, self.streams.key(name)) for name in LOGS}
        for log in self.logs.values():
            stack.push_async_callback(log.close)
        self.snapshots = FileSnapshotStore(str(folder))
        self.folder = folder
        self.store = RedisErasure(self.client, prefix, SETTINGS, Routing())
        self.written: list[LogRecord] = []
        """To the label log."""

    async def fill(self) -> None:
        """With labels, opinions, retractions, a directive, decisions, dead letters, events, queries on the
        desk and a snapshot."""
        draw, asked = random.Random(7), []
        decisions, events = [], []
        for number in range(1, 13):
            email = SECRET if number in THEIRS else f"{number}@example.org"
            one = replace(query(number), context={FIELD: email}, decided_at=float(number))
            asked.append(one)
            label = replace(
                mixed_record(draw, one.query_id),
                event_id=one.event_id,
                query_id=one.query_id,
                labelled_at=number,
            )
            label = replace(label, features={**label.features, FIELD: email})
            opinion = replace(opinion_record(one.query_id), event_id=one.event_id)
            if number < 11:
                self.written += [opinion, label]
            decisions.append(
                b'{"event_id":"%b","decided_at":%d,"query":%b}'
                % (one.event_id.encode(), number, encode_query(one))
            )
            events.append(orjson.dumps({"id": one.event_id, FIELD: email}))
        self.written += [
            retraction_record(asked[2].query_id, 2),  # of the subject's number 3
            retraction_record(asked[4].query_id, 2),
            Directive("d1", "roll_back", "ada", 1.0, version=10),
        ]
        labels = await self.epochs.log(1)
        await labels.append([*map(encode_log_record, self.written), b"no record"])
        await labels.close()
        letters = [
            DeadLetter("wrong_type", "", Source("events", 0, at), one, at) for at, one in enumerate(events)
        ]
        for name, records in (
            ("decisions:0", decisions),
            ("events:0", events),
            ("dead-letters", [encode_dead_letter(letter) for letter in letters]),
            ("summaries", [encode_summary(summary_of_one(one)) for one in asked]),
        ):
            log = RedisKeptLog(self.streams, self.streams.key(name))
            await log.append(records)
            await log.close()
        await self.queue.offer(asked)
        await self.queue.settle([], 20)
        await self.snapshots.write("1.snapshot", [SECRET.encode()])
        (self.folder / "2.snapshot.died.partial").write_bytes(SECRET.encode())

    async def erasure(self, criterion: Criterion | None = None, fate: Fate | None = None) -> Erasure:
        """One that may die of it."""
        fate = fate or Fate()

        async def hold(_seconds: float) -> Sequence[str]:
            return ()

        lease = Lease(hold, SystemClock(), "")
        await lease.begin()
        places = Places(
            Mortal(self.epochs, fate),
            {name: Mortal(log, fate) for name, log in self.logs.items()},
            Mortal(self.store, fate),
            Mortal(self.store, fate),
            Mortal(self.snapshots, fate),
            Mortal(self.store, fate),
        )
        chosen = criterion or Subject(FIELD, SECRET, Layout(id="txn"))
        return Erasure(places, chosen, lease, lambda _total: lambda _more: None)

    async def label_log(self) -> list[bytes]:
        """All that is in the epoch in force."""
        log = await self.epochs.log(await self.epochs.current())
        try:
            end = await log.end()
            return [content for _, content in await log.read(0, end, 1.0)] if end else []
        finally:
            await log.close()

    async def everything(self) -> bytes:
        """Whatever the server has under this prefix, and all snapshots."""
        found: list[Any] = [path.read_bytes() for path in self.folder.iterdir()]
        async for key in self.client.scan_iter(f"*{self.streams.prefix}*"):
            kind = await self.client.type(key)
            read: Any = {
                b"stream": lambda key: self.client.xrange(key),
                b"hash": lambda key: self.client.hgetall(key),
                b"zset": lambda key: self.client.zrange(key, 0, -1),
                b"list": lambda key: self.client.lrange(key, 0, -1),
                b"string": lambda key: self.client.get(key),
            }[cast(bytes, kind)]
            found += [key, await read(key)]
        return repr(found).encode()


def summary_of_one(asked: Query) -> Summary:
    """Of a minute in which this query alone was decided; the subject's field is a segment."""
    sums = np.zeros((2, Columns(2).width))
    cells = ("", f"{FIELD}={asked.context[FIELD]}")
    return Summary(asked.query_id, asked.decided_at, asked.decided_at, 1, ("no", "yes"), cells, sums)


def fold_of(records: Sequence[bytes]) -> Fold:
    """Of a log looked at before it is learned."""
    decoded: list[LogRecord | None] = []
    for content in records:
        try:
            decoded.append(decode_log_record(content))
        except ValueError:
            decoded.append(None)
    fold = Fold(SPEC)
    for offset, record in enumerate(decoded):
        fold.note(offset, record)
    for offset, record in enumerate(decoded):
        fold.apply(offset, record)
    return fold


@asynccontextmanager
async def filled_world(url: str, prefix: str, folder: Path) -> AsyncIterator[World]:
    """With a subject in it."""
    async with AsyncExitStack() as stack:
        world = World(url, prefix, folder, stack)
        await ensure_streams(world.streams, partitions=1)
        await world.fill()
        yield world


def without_subject(world: World) -> list[bytes]:
    """The label log as if the subject's events had never been."""
    gone = {query(number).query_id for number in THEIRS}
    kept: list[bytes] = []
    before = 0
    for offset, record in enumerate(world.written):
        match record:
            case Directive():
                kept.append(encode_log_record(replace(record, version=before)))
                continue
            case _ if record.label_id.partition("~")[0] in gone:
                continue
        before += offset < 10
        kept.append(encode_log_record(record))
    return [*kept, b"no record"]
