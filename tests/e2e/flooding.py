"""A stream whose rate changes, reviewers who come to work, and the desk watched all the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from loadtest.outside.calling import Caller, calling
from loadtest.outside.transactions import FRAUD, LEGIT, transaction
from streamsel.demo.reviewers import Habits, SimulatedReviewer

_TICK_SECONDS = 0.02
_LARGEST_CALL = 500


@dataclass(frozen=True, slots=True)
class Sample:
    """The desk at one moment."""

    at: float
    backlog: int
    waiting: int
    fraction: float


@dataclass
class Scene:
    """What goes on around one service."""

    service: Caller
    client: httpx.AsyncClient
    crowd: asyncio.TaskGroup
    events_per_second: float = 0.0
    sent: int = 0
    samples: list[Sample] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def comes(self, secret: str, habits: Habits, seed: int) -> None:
        """A reviewer comes to work."""
        labels = (LEGIT, FRAUD)
        reviewer = SimulatedReviewer(self.client, secret, lambda _: LEGIT, labels, habits, seed)
        self.tasks.append(self.crowd.create_task(reviewer.work()))

    async def stream(self) -> None:
        """Sends events at the rate of the moment, until cancelled."""
        before, due = now(), 0.0
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            due += (now() - before) * self.events_per_second
            before = now()
            events = [transaction(self.sent + number) for number in range(min(int(due), _LARGEST_CALL))]
            if events:
                await self.service.send(events)
            self.sent += len(events)
            due -= len(events)

    async def watch(self) -> None:
        """Looks at the desk again and again, until cancelled."""
        while True:
            queue, fraction = (
                await self.service.queue(),
                await self.service.metric("streamsel_query_fraction"),
            )
            self.samples.append(Sample(now(), queue["backlog"], sum(queue["waiting"].values()), fraction))
            await asyncio.sleep(_TICK_SECONDS)

    async def during(self, seconds: float) -> Sequence[Sample]:
        """What is seen in the next seconds."""
        start = now()
        await asyncio.sleep(seconds)
        return self.since(start)

    def since(self, start: float) -> Sequence[Sample]:
        """What was seen from then on."""
        return [sample for sample in self.samples if sample.at >= start]


def now() -> float:
    """By the event loop's clock."""
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def scene(url: str, secrets: Mapping[str, str]) -> AsyncIterator[Scene]:
    """A scene in which nothing happens yet, but somebody watches; ``secrets`` has an admin's for ``root``."""
    async with (
        calling(url, secrets["root"]) as root,
        httpx.AsyncClient(base_url=url, timeout=30.0) as client,
        asyncio.TaskGroup() as crowd,
    ):
        opened = Scene(root, client, crowd)
        opened.tasks += [crowd.create_task(opened.stream()), crowd.create_task(opened.watch())]
        try:
            yield opened
        finally:
            for task in opened.tasks:
                task.cancel()
