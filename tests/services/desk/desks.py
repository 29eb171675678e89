"""Desks over a real store and a label log in memory that can fail before or after it has taken a record.

The store is a real Valkey whose clock is moved by hand; the real logs are held to what the double promises by
their contract tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from loadtest.inside.fate import Killed
from streamsel.adapters.clock import SystemClock
from streamsel.codec import decode_log_record
from streamsel.metrics import Metrics
from streamsel.ports import Answer, Claim
from streamsel.records import Label
from streamsel.review.lifecycle import State
from streamsel.review.refusals import LabelLogUnreachable
from streamsel.review.reviewers import Reviewer
from streamsel.services.desk import Desk
from tests.contracts.review_queue.stores import ANN, Store, query

LABELS = ("fraud", "legitimate")


class LabelLogDouble:
    """``LabelLog`` in memory. ``before`` and ``after`` are awaited around each append: they may raise, or
    hold it up."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.before: Callable[[], Awaitable[None]] = _nothing
        self.after: Callable[[], Awaitable[None]] = _nothing
        self.reachable = True
        self._grown = asyncio.Condition()

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        await self.before()
        first = len(self.records)
        self.records += records
        async with self._grown:
            self._grown.notify_all()
        await self.after()
        return range(first, len(self.records))

    async def read(self, start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        self._check()
        try:
            async with asyncio.timeout(wait_seconds), self._grown:
                await self._grown.wait_for(lambda: len(self.records) > start)
        except TimeoutError:
            return []
        self._check()
        return list(enumerate(self.records))[start : start + max_records]

    async def beginning(self) -> int:
        return 0

    async def end(self) -> int:
        self._check()
        return len(self.records)

    async def close(self) -> None:
        """Nothing to close."""

    def labels(self) -> list[Label]:
        return [record for record in map(decode_log_record, self.records) if isinstance(record, Label)]

    def _check(self) -> None:
        if not self.reachable:
            raise LabelLogUnreachable("the broker is away")


async def _nothing() -> None:
    """The log works."""


def raising(error: BaseException) -> Callable[[], Awaitable[None]]:
    """Raises ``error`` the first time it is called."""
    errors = [error]

    async def fail() -> None:
        if errors:
            raise errors.pop()

    return fail


class HoldUp:
    """Holds the first append up until ``go_on`` is set."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            await self.go_on.wait()


def desk_of(queue: Any, log: LabelLogDouble, metrics: Metrics | None = None) -> Desk:
    return Desk(queue, log, LABELS, SystemClock(), metrics or Metrics(), sweep_seconds=0.01)


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[None]:
    """The desk's background at work."""
    work = asyncio.create_task(desk.run())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> None:
    """Returns once the (possibly awaitable) condition holds; fails after a while."""
    async with asyncio.timeout(10):
        while True:
            held = condition()
            if await held if asyncio.iscoroutine(held) else held:
                return
            await asyncio.sleep(0.005)


async def until_state(desk: Desk, claim: Claim, state: State) -> None:
    async def reached() -> bool:
        return (await desk.view(claim.query.query_id)).state == state

    await until(reached)


async def claimed(store: Store, desk: Desk, number: int = 1, reviewer: Reviewer = ANN) -> Claim:
    await store.queue.offer([query(number)])
    (claim,) = await desk.claim(reviewer)
    return claim


async def give(
    desk: Desk, claim: Claim, label: str, by: str = "ann", key: str = "key"
) -> tuple[Answer, bool]:
    return await desk.label(claim.query.query_id, claim.fence, by, label, key)


async def killed(store: Store, log: LabelLogDouble, claim: Claim) -> None:
    """A desk that dies while it labels ``claim`` as fraud, by the faults set on the log."""
    with pytest.raises(Killed):
        await give(desk_of(store.queue, log), claim, "fraud")


def of_the_desk(logs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the desk's own upkeep logged, without the tally's outages."""
    return [entry["event"] for entry in logs if entry["event"].startswith("desk_")]


def log_was_read(desk: Desk) -> bool:
    return desk._settler.log_settled_at > 0
