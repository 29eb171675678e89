"""Queries that several answer, and questions whose answers are known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.redis_desk import RedisReviewQueue
from streamsel.codec import decode_log_record
from streamsel.metrics import Metrics
from streamsel.ports import Answer, Claim, GoldQuery
from streamsel.records import LogRecord, Opinion
from streamsel.review.consensus import Rule
from streamsel.review.quality import Floor
from streamsel.review.reviewers import Reviewer
from streamsel.review.routing import Overlap, Routing
from streamsel.services.desk import Desk
from tests.contracts.review_queue.stores import SETTINGS, Store, by_hand, connect, query
from tests.services.desk.desks import LABELS, LabelLogDouble, give

CYD, DAN = Reviewer("cyd", tier=2), Reviewer("dan", tier=2)
LEA = Reviewer("lea", tier=2, role="lead")
FLOOR = Floor(accuracy=0.8, least=4)


@asynccontextmanager
async def overlapping(url: str, reviewers: int = 2, gold_share: float = 0.0) -> AsyncIterator[Store]:
    """An empty store in which every query is for so many reviewers."""
    async with connect(url) as client:
        await client.flushall()
        settings = replace(SETTINGS, gold_share=gold_share)
        routing = Routing(overlap=Overlap(share=1.0 if reviewers > 1 else 0.0, reviewers=reviewers))
        store = Store(client, by_hand(RedisReviewQueue(client, "test", settings, routing), client))
        await store.advance(0)
        yield store
        await store.queue.close()


def panel_desk(
    store: Store, log: LabelLogDouble, consensus: Rule = "majority", floor: Floor | None = None
) -> Desk:
    return Desk(
        store.queue,
        log,
        LABELS,
        SystemClock(),
        Metrics(),
        sweep_seconds=0.01,
        consensus=consensus,
        floor=floor,
    )


async def take(desk: Desk, reviewer: Reviewer, query_id: str = "q0001") -> Claim:
    (claim,) = await desk.claim(reviewer)
    assert claim.query.query_id == query_id
    return claim


async def opine(desk: Desk, reviewer: Reviewer, label: str, query_id: str = "q0001") -> tuple[Answer, bool]:
    """Claims the query and answers it."""
    claim = await take(desk, reviewer, query_id)
    return await give(desk, claim, label, by=reviewer.name, key=reviewer.name)


async def asked(store: Store, desk: Desk, *labels: str, by: Sequence[Reviewer]) -> None:
    """One query, answered so by those."""
    await store.queue.offer([query(1)])
    for reviewer, label in zip(by, labels, strict=True):
        await opine(desk, reviewer, label)


def records(log: LabelLogDouble) -> list[LogRecord]:
    return list(map(decode_log_record, log.records))


def opinions(log: LabelLogDouble) -> list[Opinion]:
    return [record for record in records(log) if isinstance(record, Opinion)]


def gold_queries(count: int) -> list[GoldQuery]:
    """All of them fraud."""
    return [GoldQuery(query(1_000 + number, lane="explore"), "fraud") for number in range(count)]
