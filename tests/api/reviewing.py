"""A desk on a real server with its API, for one test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx
from fastapi import FastAPI
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.redis_desk import RedisReviewQueue
from streamsel.adapters.redis_history import RedisHistory
from streamsel.adapters.redis_sessions import RedisSessionStore
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisKeptLog, RedisLabelLog, RedisLogReader
from streamsel.adapters.redis_streams_sinks import RedisEventIntake
from streamsel.api.app import create_app
from streamsel.api.keys import new_key
from streamsel.api.parts import ApiParts, ModelView, Readiness
from streamsel.codec import decode_log_record
from streamsel.config.auth import ApiKey, Auth
from streamsel.config.sections import Labels
from streamsel.learning.evaluation.evaluation import Terms
from streamsel.learning.spec import ModelSpec
from streamsel.metrics import Metrics
from streamsel.records import Lane, LogRecord, Query, Value
from streamsel.review.audit import Entry
from streamsel.review.oracles import Accounts
from streamsel.review.oracles import Terms as OracleTerms
from streamsel.review.roles import Role
from streamsel.review.routing import Routing
from streamsel.review.settings import DeskSettings
from streamsel.services.audit import Audit
from streamsel.services.audit_reading import latest
from streamsel.services.desk import Desk
from streamsel.services.directing import Directing
from streamsel.services.evaluating import Evaluating
from streamsel.services.evidence.finding import EvidenceFinder
from streamsel.services.history import HistoryKeeper

ADDRESS = "http://desk.example"

LABELS = Labels(
    names=["legitimate", "fraud"],
    guideline={"fraud": "The cardholder did not make it."},
    examples={"fraud": ["Three countries in an hour"]},
    guideline_url="https://guideline.example/fraud",
    guideline_version="2026-11",
)

SETTINGS = DeskSettings(
    lease_seconds=30.0,
    expire_seconds=600.0,
    recording_seconds=10.0,
    attempts=3,
    retain_seconds=3_600.0,
    window_seconds=60.0,
)

SCOPES: dict[str, Role] = {
    "ana": "reviewer",
    "ben": "reviewer",
    "lea": "lead",
    "shop": "producer",
    "root": "admin",
}
"""Who has a key, and of what scope; all but ana are of tier 2."""

MODEL = ModelView(
    "logistic",
    version=3,
    digest="5d1a0c6e",
    labels_learned=3,
    fold_lag=0,
    spec={"seed": 1},
    epoch=1,
    challengers={"9f2c": {"labels": 40.0, "gain": 0.02, "wealth": 1.5}},
)


@dataclass
class Reviewing:
    """The desk, its store, its API, and a secret for each name in ``SCOPES``."""

    parts: ApiParts
    app: FastAPI
    queue: RedisReviewQueue
    events: RedisLogReader
    """Where ``POST /v1/events`` puts them."""
    audit_log: RedisKeptLog
    label_log: RedisLabelLog
    summaries: RedisKeptLog
    secrets: dict[str, str]
    readiness: list[Readiness] = field(default_factory=lambda: [Readiness(True)])

    def caller(
        self, name: str | None, app: FastAPI | None = None, address: str = ADDRESS
    ) -> httpx.AsyncClient:
        """A client with the key of that name, or with none."""
        headers = {} if name is None else {"Authorization": f"Bearer {self.secrets[name]}"}
        transport = httpx.ASGITransport(app or self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=address, headers=headers, timeout=30.0)

    async def noted(self) -> list[Entry]:
        """What the audit log has, without the openings of chains."""
        return [entry for entry in await latest(self.audit_log, 1_000) if entry.action != "opened chain"]

    async def logged(self) -> list[LogRecord]:
        """What the label log has."""
        records = await self.label_log.read(0, 1_000, 0.0)
        return [decode_log_record(content) for _, content in records]

    async def tallied(self, position: int) -> None:
        """Returns once the desk has read so much of the label log."""
        assert self.parts.desk is not None
        await self.parts.desk._follower.reached(position)

    def app_with(self, **changes: object) -> FastAPI:
        """The same API with other parts."""
        return create_app(replace(self.parts, **changes))  # type: ignore[arg-type]


@asynccontextmanager
async def reviewing(
    desk_url: str,
    log_url: str,
    prefix: str,
    settings: DeskSettings = SETTINGS,
    routing: Routing | None = None,
) -> AsyncIterator[Reviewing]:
    """A running desk; what it keeps is under ``prefix``."""
    client = Redis.from_url(desk_url, retry=Retry(NoBackoff(), 0), socket_timeout=5.0)
    queue = RedisReviewQueue(client, prefix, settings, routing)
    streams = RedisStreams(log_url, prefix)
    log, intake = RedisLabelLog(streams), RedisEventIntake(streams, partitions=1)
    events = RedisLogReader(streams, streams.events(0))
    decisions = RedisLogReader(streams, streams.decisions(0))
    configurations = RedisKeptLog(streams, streams.configurations)
    summaries = RedisKeptLog(streams, streams.summaries)
    audit_log, metrics = RedisKeptLog(streams, streams.audit), Metrics()
    audit = Audit(audit_log, SystemClock())
    desk = Desk(queue, log, LABELS.names, SystemClock(), metrics)
    running = asyncio.create_task(desk.run())
    readiness = [Readiness(True)]
    secrets, keys = _keys()
    parts = ApiParts(
        desk=desk,
        intake=intake,
        model=lambda: MODEL,
        health=lambda: readiness[0],
        metrics=metrics,
        labels=LABELS,
        auth=Auth(keys=list(keys)),
        sessions=RedisSessionStore(client, prefix),
        audit=audit,
        history=HistoryKeeper(queue, RedisHistory(client, prefix), SystemClock()),
        target_backlog=20,
        max_event_bytes=1_000,
        configuration="a configuration",
        evidence=EvidenceFinder(desk, log, [decisions], audit_log, configurations),
        evaluating=Evaluating(log, summaries, Terms(tuple(LABELS.names), 600.0), SystemClock(), metrics),
        oracles=Accounts([OracleTerms("large", 10, cap=0.3, check=0.1, floor=0.9)]),
        directing=Directing(log, ModelSpec(tuple(LABELS.names))),
    )
    try:
        yield Reviewing(
            parts, create_app(parts), queue, events, audit_log, log, summaries, secrets, readiness
        )
    finally:
        while not running.done():  # up to Python 3.11 asyncio.wait_for, in redis-py, may lose a cancellation
            running.cancel()
            await asyncio.wait({running}, timeout=0.5)
        for part in (queue, log, intake, events, decisions, configurations, summaries, audit, audit_log):
            await part.close()
        await client.aclose()


def _keys() -> tuple[dict[str, str], Sequence[ApiKey]]:
    secrets, keys = {}, []
    for name, scope in SCOPES.items():
        secrets[name], sha256 = new_key()
        keys.append(ApiKey(name=name, scope=scope, sha256=sha256, tier=1 if name == "ana" else 2))
    return secrets, keys


def query(
    number: int,
    lane: Lane = "uncertain",
    features: Mapping[str, Value] | None = None,
    context: Mapping[str, Value] | None = None,
) -> Query:
    """A transaction asked about; the higher the number, the later it is claimed."""
    return Query(
        query_id=f"{number:016x}",
        event_id=f"tx-{number}",
        lane=lane,
        propensity=0.25,
        utility=max(0.0, 1.0 - number / 100.0),
        probabilities={"fraud": 0.46, "legitimate": 0.54},
        model_version=3,
        decided_at=1_800_000_001.25,
        features=features or {"amount": 912.5, "country": "PT", "online": True},
        context=context or {"note": "second try"},
        timestamp=1_800_000_000.0,
        segments={"country": "PT"},
        rules=("large amounts",),
        contributions={"amount": 1.31, "country": -0.4},
    )


async def claimed(client: httpx.AsyncClient, **body: object) -> dict[str, object]:
    """The one query that was claimed."""
    response = await client.post("/v1/claims", json=body)
    assert response.status_code == 200, response.text
    (claim,) = response.json()
    return dict(claim)
