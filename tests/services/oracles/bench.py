"""A desk with an oracle's queue before people's on a real store; a log in memory that can fail; oracles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.redis_positions import RedisDeliveryPositions
from streamsel.codec import decode_log_record, encode_log_record
from streamsel.metrics import Metrics
from streamsel.ports.oracles import NoAnswer
from streamsel.records import LogRecord, Opinion, Query
from streamsel.review.oracles import Accounts, Terms
from streamsel.review.routing import QueueRule, Routing
from streamsel.services.desk import Desk
from streamsel.services.ending import end
from streamsel.services.oracles.answering import Answering, Duty
from streamsel.services.oracles.following import AccountsFollower
from tests.contracts.review_queue.stores import Store
from tests.services.desk.desks import LabelLogDouble, desk_of

ROUTING = Routing(
    [
        QueueRule(
            "gpt",
            lambda query: query.utility < 0.5,
            tier=100,
            escalates_to="default",
            for_oracle=True,
        )
    ]
)
"""The oracle is asked what is of little use."""


@dataclass
class Scripted:
    """Answers as told, by query id; else ``fraud``. ``None`` is no answer."""

    script: dict[str, str | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def answer(self, query: Query) -> str:
        self.asked.append(query.query_id)
        answer = self.script.get(query.query_id, "fraud")
        if answer is None:
            raise NoAnswer("it does not know")
        return answer

    async def close(self) -> None:
        """Nothing to close."""


@dataclass
class Bench:
    """One store, one log."""

    store: Store
    log: LabelLogDouble
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def desk(self) -> Desk:
        """Whose background does not run."""
        return desk_of(self.store.queue, self.log)

    @property
    def records(self) -> list[LogRecord]:
        return [decode_log_record(record) for record in self.log.records]

    @property
    def opinions(self) -> list[Opinion]:
        return [record for record in self.records if isinstance(record, Opinion)]

    async def write(self, *records: LogRecord) -> None:
        await self.log.append([encode_log_record(record) for record in records])

    @asynccontextmanager
    async def following(self, *terms: Terms) -> AsyncIterator[AccountsFollower]:
        """The accounts, kept at the log's end."""
        follower = AccountsFollower(self.log, Accounts(terms), self.metrics, SystemClock(), indexed=True)
        async with at_work(follower):
            yield follower

    @asynccontextmanager
    async def oracle(
        self, answerer: Scripted, *, source: Any = "model", at_once: int = 10, **terms: Any
    ) -> AsyncIterator[Answering]:
        """A process that works for the oracle, round by round."""
        duty_terms = {key: terms.pop(key) for key in ("an_hour", "a_day") if key in terms}
        async with self.following(Terms("gpt", 10, **terms)) as follower:
            yield Answering(
                Duty("gpt", source, 100, at_once, **duty_terms),
                answerer,
                self.store.queue,
                self.log,
                follower,
                RedisDeliveryPositions(self.store.client, "test"),
                SystemClock(),
                self.metrics,
            )

    def counted(self, outcome: str, oracle: str = "gpt") -> float:
        """What the metric says."""
        found = self.metrics.registry.get_sample_value(
            "streamsel_oracle_answers_total", {"oracle": oracle, "outcome": outcome}
        )
        return found or 0.0


@asynccontextmanager
async def at_work(*parts: Any) -> AsyncIterator[None]:
    """The parts running until the end."""
    running = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield
    finally:
        await end(*running)
        for one in running:
            if not one.cancelled() and (error := one.exception()) is not None:
                raise error


async def released_hold(store: Store) -> None:
    """As if the process that worked for the oracle had died, and its hold had run out."""
    await store.client.delete("{test}:webhooks:oracle:gpt:holder")
