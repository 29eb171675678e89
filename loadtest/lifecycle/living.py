"""A model that is changed while it is at work: two selectors and a desk on one embedded Valkey.

Events come in at a steady rate with the time at which each was meant to be sent; programs answer queries over
HTTP, and from each 201 on both selectors are asked until their models have learned the label. Halfway another
model is set, and later all is rolled back. Decisions tell when they were made, so latency counts from the
intended time, by one clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import orjson

from loadtest.events import transaction
from loadtest.outside.calling import Caller
from loadtest.outside.service_process import Services, auth, bearer
from loadtest.outside.waiting import until
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisLabelLog, RedisLogReader
from streamsel.adapters.redis_streams_sinks import RedisEventIntake
from streamsel.codec import encode_log_record
from streamsel.records import Label

PREFIX = "living"
PARTITIONS = 2
SEND_SECONDS = 0.02
LABELS_PER_SECOND = 20.0
"""Answered by programs, for as long as there are queries."""


@dataclass(frozen=True)
class Options:
    """How large the run is; ``seconds`` of it before the model is changed, and as many in all after."""

    events_per_second: float = 1_000.0
    seconds: float = 30.0
    labels: int = 20_000
    """In the log beforehand, so that there is something to fold anew."""


@dataclass
class _Run:
    sent: int = 0
    learned: list[float] = field(default_factory=list)
    """Seconds from each 201 until both selectors had learned the label."""
    changed_at: float = 0.0


def measure(options: Options, progress: Callable[[float], None]) -> dict[str, Any]:
    """The figures; ``progress`` gets the share done."""
    return asyncio.run(living(options, progress))


async def living(options: Options, progress: Callable[[float], None]) -> dict[str, Any]:
    """As ``measure``."""
    with TemporaryDirectory(prefix="living-") as folder:
        server = EmbeddedValkey(Path(folder) / "data")
        await asyncio.to_thread(server.start)
        services = Services(Path(folder))
        try:
            return await _measured(options, server.url, services, progress)
        finally:
            services.end_all()
            server.stop()


async def _measured(
    options: Options, url: str, services: Services, progress: Callable[[float], None]
) -> dict[str, Any]:
    secrets: dict[str, str] = {}
    configuration = services.configured(
        {
            "redis": {"url": url, "prefix": PREFIX},
            "kafka": {"partitions": PARTITIONS},
            "labels": {"names": ["legit", "fraud"]},
            "stream": {"exclude": ["sent"]},
            "select": {"budget": 0.1},
            "auth": auth(secrets, program="reviewer", root="admin"),
        }
    )
    desk = services.start(configuration, "desk")
    await desk.ready()
    streams = RedisStreams(url, PREFIX)
    await _seed(streams, options.labels)
    selectors = [services.start(configuration, "selector") for _ in range(PARTITIONS)]
    urls = [await one.ready() for one in selectors]
    run = _Run()
    async with (
        httpx.AsyncClient(base_url=await desk.ready(), headers=bearer(secrets["program"])) as client,
        httpx.AsyncClient(headers=bearer(secrets["root"])) as admin,
    ):
        sending = asyncio.create_task(_send(streams, options, run, progress))
        answering = asyncio.create_task(_answer(Caller(client), admin, urls, run))
        await asyncio.sleep(options.seconds)
        await _change(admin, await desk.ready(), urls[0], options, run)
        await sending
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        delays, digests = await _decided(streams, run.sent), await _digests(admin, urls)
    changed = np.array([decided - sent for sent, decided in delays if sent >= run.changed_at])
    before = np.array([decided - sent for sent, decided in delays if sent < run.changed_at])
    return {
        "living_events": run.sent,
        "events_undecided": run.sent - len(delays),
        "replicas_agree": len(set(digests)) == 1,
        "label_to_learned_p99_seconds": _p99(np.array(run.learned)),
        "labels_followed": len(run.learned),
        "decision_p99_ms": 1000.0 * _p99(before),
        "decision_p99_ms_while_changing": 1000.0 * _p99(changed),
    }


async def _change(
    admin: httpx.AsyncClient, desk_url: str, selector_url: str, options: Options, run: _Run
) -> None:
    """Another model, and after half of the time all back to before it."""
    run.changed_at = time.time()
    version = (await admin.get(f"{selector_url}/v1/model")).json()["version"]
    for body in (
        {"action": "set_spec", "model": {"preset": "logistic", "seed": 2}},
        {"action": "roll_back", "version": version},
    ):
        given = await admin.post(f"{desk_url}/v1/model/directives", json={"reason": "load test", **body})
        given.raise_for_status()
        await asyncio.sleep(options.seconds / 2)


async def _seed(streams: RedisStreams, labels: int) -> None:
    """Labelled transactions into the log, as `streamsel seed` puts them there."""
    draw, log = Random(3), RedisLabelLog(streams)
    for start in range(0, labels, 500):
        records = []
        for number in range(start, min(start + 500, labels)):
            event, label = transaction(draw, number)
            event_id = str(event.pop("id"))
            features = {name: float(str(value)) for name, value in sorted(event.items())}
            records.append(Label(event_id, 1, event_id, label, "seed", "load test", 1.0, features))
        await log.append(list(map(encode_log_record, records)))
    await log.close()


async def _send(
    streams: RedisStreams, options: Options, run: _Run, progress: Callable[[float], None]
) -> None:
    """At intended times, whatever holds one up."""
    intake, draw = RedisEventIntake(streams, PARTITIONS), Random(1)
    began, total = time.time(), int(2 * options.seconds * options.events_per_second)
    while run.sent < total:
        due = min(int((time.time() - began) * options.events_per_second), total)
        events = []
        for number in range(run.sent, due):
            event, _ = transaction(draw, number)
            event["sent"] = began + number / options.events_per_second
            events.append(orjson.dumps(event))
        if events:
            await intake.append(events)
            run.sent = due
            progress(due / total)
        await asyncio.sleep(SEND_SECONDS)
    await intake.close()


async def _answer(caller: Caller, admin: httpx.AsyncClient, urls: Sequence[str], run: _Run) -> None:
    """Queries one by one; after each, both selectors are asked for their version."""
    pace = Random(2)
    while True:
        for claim in await caller.claim(wait_seconds=1.0):
            answer = await caller.label(claim, pace.choice(("legit", "fraud")))
            if answer.status_code != httpx.codes.CREATED:
                continue
            began, version = time.monotonic(), answer.json()["model_version"]
            await asyncio.gather(*(_learned(admin, url, version) for url in urls))
            run.learned.append(time.monotonic() - began)
        await asyncio.sleep(pace.expovariate(LABELS_PER_SECOND))


async def _learned(admin: httpx.AsyncClient, url: str, version: int) -> None:
    async def has() -> bool:
        return bool((await admin.get(f"{url}/v1/model")).json()["version"] >= version)

    await until(has, what="a label learned", seconds=120.0)


async def _decided(streams: RedisStreams, events: int) -> list[tuple[float, float]]:
    """When each event was to be sent, and when it was decided, once all are."""
    sent: dict[tuple[int, int], float] = {}
    decided: dict[tuple[int, int], float] = {}
    readers = [
        (RedisLogReader(streams, name(part)), found, key, part)
        for part in range(PARTITIONS)
        for name, found, key in ((streams.events, sent, "sent"), (streams.decisions, decided, "decided_at"))
    ]

    async def all_there() -> bool:
        ends = [await reader.end() for reader, found, _, _ in readers if found is decided]
        return sum(ends) >= events

    await until(all_there, what="every event decided", seconds=120.0)
    for reader, found, key, part in readers:
        position, end = await reader.beginning(), await reader.end()
        while position < end:
            for offset, content in await reader.read(position, 5_000, 1.0):
                record = orjson.loads(content)
                place = offset if key == "sent" else record["source"][2]
                found[part, place] = record[key]
                position = offset + 1
        await reader.close()
    return [(sent[place], decided[place]) for place in sent if place in decided]


async def _digests(admin: httpx.AsyncClient, urls: Sequence[str]) -> list[str]:
    """Of both, once they stand at one version."""

    async def at_one() -> list[dict[str, Any]] | None:
        models = [(await admin.get(f"{url}/v1/model")).json() for url in urls]
        return models if len({model["version"] for model in models}) == 1 else None

    return [model["digest"] for model in await until(at_one, what="both at one version")]


def _p99(seconds: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return float(np.quantile(seconds, 0.99)) if seconds.size else float("nan")
