"""What leads do: see how reviewers fare, pause them, settle what they disagree about, take queries back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from streamsel.api.auth import ACCESS_PROBLEMS, Lead
from streamsel.api.bodies import PauseRequest
from streamsel.api.lead_views import DisputeView, Reassigned, ReviewerView
from streamsel.api.media import json_only
from streamsel.api.problems import (
    CROSS_SITE,
    DESK_UNREACHABLE,
    INVALID,
    UNAUDITED,
    UNKNOWN_QUERY,
    documented,
)
from streamsel.api.routes.claims import BODY_PROBLEMS, QueryId
from streamsel.config.auth import LONGEST_NAME, NAME_PATTERN
from streamsel.services.audit import Audit
from streamsel.services.desk import Desk

_MOST_DISPUTES = 100
_ACT_PROBLEMS = (*ACCESS_PROBLEMS, CROSS_SITE, INVALID, DESK_UNREACHABLE, UNAUDITED)

ReviewerName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=LONGEST_NAME,
        pattern=NAME_PATTERN,
        description="Of the reviewer, known or not yet.",
        examples=["ana"],
    ),
]


def leading_routes(desk: Desk, audit: Audit) -> APIRouter:
    """``/v1/reviewers``, ``/v1/disputes`` and ``/v1/queries/{query_id}/reassign``."""
    router = APIRouter(prefix="/v1", tags=["leads"])

    @router.get(
        "/reviewers", summary="How reviewers fare", responses=documented(*ACCESS_PROBLEMS, DESK_UNREACHABLE)
    )
    async def reviewers(_: Lead) -> list[ReviewerView]:
        """All that were ever seen or paused, by name."""
        return [ReviewerView.of(standing) for standing in await desk.reviewers()]

    @router.post(
        "/reviewers/{name}/pause",
        summary="Pause a reviewer",
        status_code=204,
        dependencies=[Depends(json_only)],
        responses=documented(*BODY_PROBLEMS),
    )
    async def pause(name: ReviewerName, lead: Lead, body: PauseRequest) -> None:
        """No more claims; they are told the reason. What they have in hand they can still answer."""
        await desk.pause(name, body.reason)
        await audit.note(lead, "paused", detail={"reviewer": name, "reason": body.reason})

    @router.post(
        "/reviewers/{name}/resume",
        summary="Let a reviewer go on",
        status_code=204,
        responses=documented(*_ACT_PROBLEMS),
    )
    async def resume(name: ReviewerName, lead: Lead) -> None:
        """Claims again, whoever or whatever had paused them."""
        await desk.resume(name)
        await audit.note(lead, "resumed", detail={"reviewer": name})

    @router.get(
        "/disputes",
        summary="What reviewers disagree about",
        responses=documented(*ACCESS_PROBLEMS, DESK_UNREACHABLE),
    )
    async def disputes(_: Lead) -> list[DisputeView]:
        """Up to 100 queries that several have answered differently and nobody has decided, the longest so
        first, with what each has said."""
        return [DisputeView.of(view) for view in await desk.disputes(_MOST_DISPUTES)]

    @router.post(
        "/queries/{query_id}/reassign",
        summary="Take a query back",
        responses=documented(*_ACT_PROBLEMS, UNKNOWN_QUERY),
    )
    async def reassign(query_id: QueryId, lead: Lead) -> Reassigned:
        """Takes it from all who have it in hand, back to its queue; their claims no longer count. What is
        just being recorded is left."""
        holders = await desk.seize(query_id)
        await audit.note(lead, "reassigned", query_id, {"taken_from": list(holders)})
        return Reassigned(taken_from=list(holders))

    return router
