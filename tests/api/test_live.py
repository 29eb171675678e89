"""The desk's figures as server-sent events: over a real server, and to many listeners at the price of one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from streamsel.api.live import MOST_LISTENERS, LiveFigures
from streamsel.api.problems import Problem
from streamsel.api.queue_views import QueueView
from streamsel.api.server import RunningServer, serve
from streamsel.review.refusals import DeskUnreachable
from tests.api.reviewing import Reviewing, query

LIVE = "/v1/queue/live"


@pytest.fixture
async def server(desk: Reviewing) -> AsyncIterator[RunningServer]:
    """The desk's API on a port."""
    running = await serve(desk.app, "127.0.0.1", 0)
    yield running
    await running.stop()


@asynccontextmanager
async def _caller(desk: Reviewing, server: RunningServer, name: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {desk.secrets[name]}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
        yield client


async def _next(lines: AsyncIterator[str]) -> dict[str, Any]:
    """The data of the next event, which is a ``queue`` event."""
    async for line in lines:
        if line.startswith("event:"):
            assert line == "event: queue"
            return dict(json.loads((await anext(lines)).removeprefix("data: ")))
    raise AssertionError("the stream ended")


async def test_a_listener_is_told_the_figures_and_every_change(
    desk: Reviewing, server: RunningServer
) -> None:
    """In the very form of ``GET /v1/queue``, in a stream no proxy holds back or keeps."""
    async with _caller(desk, server, "ana") as ana, ana.stream("GET", LIVE) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["Cache-Control"] == "no-store"
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 2000"
        first = await _next(lines)
        assert first.keys() == (await ana.get("/v1/queue")).json().keys()
        assert first["backlog"] == 0
        await desk.queue.offer([query(1)])
        changed = await _next(lines)
        while changed["backlog"] == 0:
            changed = await _next(lines)
        assert changed["waiting"] == {**first["waiting"], "uncertain": 1}


async def test_stopping_ends_the_streams(desk: Reviewing, server: RunningServer) -> None:
    """In order, so that a listener knows to come back."""
    async with _caller(desk, server, "ana") as ana, ana.stream("GET", LIVE) as stream:
        lines = stream.aiter_lines()
        await _next(lines)
        await server.stop()
        async for line in lines:
            assert line == "" or line.startswith(("event:", "data:"))


async def test_a_caller_may_listen_only_so_often(desk: Reviewing, server: RunningServer) -> None:
    """429 beyond; others are not kept out, and who hangs up makes room."""
    async with AsyncExitStack() as stack:
        ana = await stack.enter_async_context(_caller(desk, server, "ana"))
        ben = await stack.enter_async_context(_caller(desk, server, "ben"))
        listening = [await stack.enter_async_context(ana.stream("GET", LIVE)) for _ in range(MOST_LISTENERS)]
        refused = await ana.get(LIVE)
        assert refused.status_code == 429
        assert refused.json()["type"] == "/problems/too-many-listeners"
        assert int(refused.headers["Retry-After"]) > 0
        async with ben.stream("GET", LIVE) as stream:
            assert stream.status_code == 200
        await listening[0].aclose()
        async with asyncio.timeout(10):
            while True:
                async with ana.stream("GET", LIVE) as stream:
                    if stream.status_code == 200:
                        break
                await asyncio.sleep(0.01)


class Looking:
    """A desk of which each look finds another backlog, counted. ``away``: it does not answer; ``turns``: so
    many looks may be had."""

    def __init__(self, *, changing: bool = True) -> None:
        self.looks = 0
        self.away = False
        self.turns: asyncio.Semaphore | None = None
        self._changing = changing

    async def __call__(self) -> QueueView:
        if self.away:
            raise DeskUnreachable("the store is away")
        if self.turns is not None:
            await self.turns.acquire()
        self.looks += 1
        return QueueView(
            waiting={},
            leased={},
            backlog=self.looks if self._changing else 0,
            target_backlog=20,
            oldest_seconds=0.0,
            live_reviewers=0,
            completions_per_second=0.0,
            mean_review_seconds=None,
            expired_total=0,
            dead_total=0,
            disputed=0,
            queues={},
        )


def _figures(looking: Looking, closing: asyncio.Event | None = None) -> LiveFigures:
    return LiveFigures(looking, closing or asyncio.Event(), period_seconds=0.01, heartbeat_seconds=0.02)


async def test_all_listeners_share_one_look() -> None:
    """However many there are, each event they get costs the store one call."""
    looking = Looking()
    looking.turns = asyncio.Semaphore(1)
    figures = LiveFigures(looking, asyncio.Event(), period_seconds=0.001, heartbeat_seconds=60.0)
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(figures.listening(f"caller {n}")) for n in range(20)]
        for stream in streams:
            await anext(stream)
        for _ in range(5):
            told = await asyncio.gather(*(anext(stream) for stream in streams))
            assert set(told) == {told[0]}
            looking.turns.release()
        assert looking.looks in (5, 6)  # the sixth may be had by now, with nobody told yet


async def test_nobody_looks_when_nobody_listens() -> None:
    """The last one to go ends it, the next one to come begins it anew."""
    looking = Looking()
    figures = _figures(looking)
    for _ in range(2):
        async with figures.listening("ana") as stream:
            await anext(stream)
            assert b"event: queue" in await anext(stream)
        following = figures._following
        assert following is not None
        await following


async def test_while_nothing_changes_there_are_heartbeats() -> None:
    """Comments, which no client shows; the figures are not repeated."""
    async with _figures(Looking(changing=False)).listening("ana") as stream:
        told = [await anext(stream) for _ in range(6)]
    assert told[2:] == [b": still here\n\n"] * 4


async def test_streams_end_when_the_desk_does_not_answer() -> None:
    """Whoever comes back is told why, and listens again once it answers."""
    looking = Looking()
    figures = _figures(looking)
    async with figures.listening("ana") as stream:
        await anext(stream)
        looking.away = True
        async for _ in stream:
            pass
    with pytest.raises(DeskUnreachable):
        async with figures.listening("ana"):
            pass
    looking.away = False
    async with figures.listening("ana") as stream:
        assert await anext(stream)


async def test_a_refused_listener_leaves_no_trace() -> None:
    """Neither one too many nor one that met an outage counts."""
    looking = Looking()
    figures = _figures(looking)
    looking.away = True
    for _ in range(MOST_LISTENERS + 1):
        with pytest.raises(DeskUnreachable):
            async with figures.listening("ana"):
                pass
    looking.away = False
    async with AsyncExitStack() as stack:
        for _ in range(MOST_LISTENERS):
            await stack.enter_async_context(figures.listening("ana"))
        with pytest.raises(Problem, match="429"):
            await stack.enter_async_context(figures.listening("ana"))
