"""What reviewers look at beside their claims: the queue, single queries, and the labels to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from streamsel.api.auth import ACCESS_PROBLEMS, Reviewer
from streamsel.api.listing_views import QueryPage
from streamsel.api.problems import (
    DESK_UNREACHABLE,
    INVALID,
    UNAUDITED,
    UNKNOWN_CURSOR,
    UNKNOWN_QUERY,
    Problem,
    documented,
)
from streamsel.api.queue_views import LabelChoice, LabelChoices, QueueView
from streamsel.api.routes.claims import QueryId
from streamsel.api.views import QueryState, unseen_by
from streamsel.config.sections import Labels
from streamsel.review.lifecycle import State
from streamsel.review.roles import includes
from streamsel.services.audit import Audit
from streamsel.services.desk import Desk

ListedState = Annotated[State | None, Query(description="Only those in this state.", examples=["waiting"])]
ListedQueue = Annotated[
    str | None,
    Query(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="Only those in this queue.", examples=["default"]),
]
Cursor = Annotated[
    str | None,
    Query(
        pattern=r"^[A-Za-z0-9_-]{1,300}$",
        description="The ``next_cursor`` of the page before; none for the first.",
        examples=["bGVhc2VzIDAg"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=100, description="Queries on the page at most.", examples=[50])]


def queue_routes(
    desk: Desk, labels: Labels, target_backlog: int, audit: Audit, lead_only: Sequence[str]
) -> APIRouter:
    """``/v1/queue``, ``/v1/queries`` and ``/v1/labels``."""
    router = APIRouter(prefix="/v1", tags=["queue"])
    choices = LabelChoices(
        labels=[
            LabelChoice(
                name=name,
                guideline=labels.guideline.get(name, ""),
                examples=labels.examples.get(name, []),
            )
            for name in labels.names
        ],
        guideline_url=labels.guideline_url,
        guideline_version=labels.guideline_version,
    )

    @router.get(
        "/queue", summary="The desk at a glance", responses=documented(*ACCESS_PROBLEMS, DESK_UNREACHABLE)
    )
    async def queue(_: Reviewer) -> QueueView:
        """How much is waiting and in hand, how old it is, and how fast it is answered."""
        return QueueView.of(await desk.status(), target_backlog)

    @router.get(
        "/queries",
        summary="Queries, a page at a time",
        responses=documented(*ACCESS_PROBLEMS, INVALID, UNKNOWN_CURSOR, DESK_UNREACHABLE),
    )
    async def queries(
        reviewer: Reviewer,
        state: ListedState = None,
        queue: ListedQueue = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> QueryPage:
        """Those in a state, or in any, and in a queue, or in any. One that moves while the pages are turned
        may be missed or come twice; a page may be shorter than ``limit`` before the last."""
        try:
            page = await desk.page(state, queue, cursor, limit)
        except ValueError:
            raise Problem(UNKNOWN_CURSOR, "Take the cursor as the page before it gave it.") from None
        return QueryPage.of(page, unseen_by(reviewer, lead_only), leads=includes(reviewer.role, "lead"))

    @router.get(
        "/queries/{query_id}",
        summary="One query",
        responses=documented(*ACCESS_PROBLEMS, UNKNOWN_QUERY, INVALID, DESK_UNREACHABLE, UNAUDITED),
    )
    async def query(query_id: QueryId, reviewer: Reviewer) -> QueryState:
        """Where a query stands, whoever holds it. A question whose answer is known looks like any other."""
        view = await desk.view(query_id, reviewer.name)
        await audit.note(reviewer, "viewed", query_id)
        unseen, leads = unseen_by(reviewer, lead_only), includes(reviewer.role, "lead")
        return QueryState.of(query_id, view, unseen, leads=leads)

    @router.get("/labels", summary="The labels to choose from", responses=documented(*ACCESS_PROBLEMS))
    async def label_choices(_: Reviewer) -> LabelChoices:
        """Names, guideline and examples, in the order of the page's buttons."""
        return choices

    return router
