"""The desk over the last hours."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from streamsel.api.auth import ACCESS_PROBLEMS, Lead
from streamsel.api.lead_views import HistoryView
from streamsel.api.problems import DESK_UNREACHABLE, INVALID, documented
from streamsel.services.history import HistoryKeeper

Hours = Annotated[float, Query(gt=0.0, le=24.0, description="How far back.", examples=[8.0])]


def history_routes(history: HistoryKeeper, target_backlog: int) -> APIRouter:
    """``GET /v1/history``."""
    router = APIRouter(prefix="/v1", tags=["leads"])

    @router.get(
        "/history",
        summary="The desk over the last hours",
        responses=documented(*ACCESS_PROBLEMS, INVALID, DESK_UNREACHABLE),
    )
    async def last_hours(_: Lead, hours: Hours = 8.0) -> HistoryView:
        """Backlog against its target, ages, who was there and how much was answered; at most 360 points."""
        step, samples = await history.since(hours)
        return HistoryView.of(step, target_backlog, samples)

    return router
