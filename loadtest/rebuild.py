"""How fast ``streamsel desk rebuild`` brings a lost queue back, from logs on Redis streams and on Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from redis.asyncio import Redis

from loadtest.bench import LABELS, bench
from loadtest.desk_store import cpu_seconds, queries
from loadtest.machine import machine
from loadtest.progress import progress_bar
from streamsel import wiring
from streamsel.codec import DecisionColumns, encode_decisions, encode_log_record
from streamsel.config import Config
from streamsel.ports import OutgoingDecisions, Recording
from streamsel.records import LANES, Query
from streamsel.services.answers import answered

_BATCH = 1_000
"""Decisions, and labels, written at once."""
_ANSWERED_EVERY = 2
_SECONDS_AGO = 60.0
"""Since the queries were decided: none is too old."""


@dataclass(frozen=True, slots=True)
class Options:
    """``queries``: decisions to ask, of which every second has its label in the log."""

    queries: int = 100_000
    broker: str | None = None


def rebuild(options: Options) -> dict[str, Any]:
    """By kind of log: queries a second, those among them that are answered and so are left out; what command
    and store each take of a processor for one; and what came of it. The store never knew any of them."""
    return asyncio.run(_rebuild(options))


async def _rebuild(options: Options) -> dict[str, Any]:
    figures: dict[str, Any] = {"scenario": "rebuild", "queries": options.queries}
    with progress_bar("rebuild", 4 * options.queries) as advance:
        async with bench(options.broker) as stand:
            sections = stand.sections(capacity={"expire_seconds": 86_400.0})
            kafka = Config.model_validate(sections)
            own = {name: table for name, table in sections.items() if name != "kafka"}
            figures["kafka"] = await _measured(kafka, options.queries, advance)
            redis = Config.model_validate({**own, "redis": {**own["redis"], "prefix": "streams"}})
            figures["redis"] = await _measured(redis, options.queries, advance)
    return figures | {"machine": machine()}


async def _measured(config: Config, count: int, advance: Callable[[float], None]) -> dict[str, Any]:
    await _write(config, count, advance)
    async with Redis.from_url(config.redis.address or "") as client:
        before, spent, began = await cpu_seconds(client), time.process_time(), time.perf_counter()
        rebuilt = await wiring.rebuilt_desk(config, lambda _: advance)
        seconds, spent = time.perf_counter() - began, time.process_time() - spent
        stored = await cpu_seconds(client) - before
    return {
        "queries_per_second": round(count / seconds),
        "command_us_per_query": round(spent / count * 1e6, 1),
        "store_us_per_query": round(stored / count * 1e6, 1),
        **asdict(rebuilt),
    }


async def _write(config: Config, count: int, advance: Callable[[float], None]) -> None:
    """Decisions to ask, and the labels of some of them."""
    now = time.time()
    drawn = queries(count)
    async with wiring.opened_logs(config) as logs:
        first = 0
        while some := [replace(query, decided_at=now - _SECONDS_AGO) for query in islice(drawn, _BATCH)]:
            offsets = range(first, first + len(some))
            values = encode_decisions(_columns(some, offsets))
            await (await logs.decisions.send([OutgoingDecisions(0, offsets, values)]))
            recordings = [Recording(query, 3.0, repeated=False) for query in some[::_ANSWERED_EVERY]]
            labels = [answered(one, LABELS[0], "ada", now) for one in recordings]
            await logs.labels.append([encode_log_record(label) for label in labels])
            first += len(some)
            advance(len(some))


def _columns(asked: Sequence[Query], offsets: Sequence[int]) -> DecisionColumns:
    return DecisionColumns(
        topic="events",
        partition=0,
        offsets=offsets,
        event_ids=[query.event_id for query in asked],
        decided_at=asked[0].decided_at,
        model_version=asked[0].model_version,
        labels=LABELS,
        probabilities=np.array([list(query.probabilities.values()) for query in asked]),
        utilities=np.array([query.utility for query in asked]),
        threshold=0.5,
        query_fraction=1.0,
        lanes=[LANES.index(query.lane) for query in asked],
        propensities=np.array([query.propensity for query in asked]),
        queries=dict(enumerate(asked)),
    )
