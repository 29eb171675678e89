"""The desk's figures as they change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Depends
from starlette.responses import StreamingResponse

from streamsel.api.auth import ACCESS_PROBLEMS, Reviewer
from streamsel.api.live import LiveFigures
from streamsel.api.problems import DESK_UNREACHABLE, TOO_MANY_LISTENERS, documented
from streamsel.api.queue_views import QueueView
from streamsel.services.desk import Desk

EVENT_STREAM = "text/event-stream"

_EXAMPLE = 'retry: 2000\n\nevent: queue\ndata: {"waiting":{"uncertain":9},"backlog":9}\n\n'


class _EventStream(StreamingResponse):
    media_type = EVENT_STREAM


def live_routes(desk: Desk, target_backlog: int, closing: asyncio.Event) -> APIRouter:
    """``GET /v1/queue/live``; its streams end once ``closing`` is set."""

    async def look() -> QueueView:
        return QueueView.of(await desk.status(), target_backlog)

    figures = LiveFigures(look, closing)
    router = APIRouter(prefix="/v1/queue", tags=["queue"])

    async def listening(reviewer: Reviewer) -> AsyncIterator[AsyncIterator[bytes]]:
        async with figures.listening(reviewer.name) as events:
            yield events

    listens = Depends(listening)

    @router.get(
        "/live",
        summary="The desk at a glance, as it changes",
        response_class=_EventStream,
        response_description="Server-sent events.",
        responses={
            200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}, "example": _EXAMPLE}}},
            **documented(*ACCESS_PROBLEMS, TOO_MANY_LISTENERS, DESK_UNREACHABLE),
        },
    )
    async def live(events: AsyncIterator[bytes] = listens) -> _EventStream:
        """An event ``queue`` with the data of ``GET /v1/queue`` at once and on every change, at most one a
        second; comments while nothing changes. It ends when the desk does not answer or is about to stop:
        come back."""
        return _EventStream(events, headers={"X-Accel-Buffering": "no"})

    return router
