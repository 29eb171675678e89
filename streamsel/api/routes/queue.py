"""What reviewers look at beside their claims: the queue, single queries, and the labels to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from streamsel.api.auth import ACCESS_PROBLEMS, Reviewer
from streamsel.api.problems import DESK_UNREACHABLE, INVALID, UNAUDITED, UNKNOWN_QUERY, documented
from streamsel.api.routes.claims import QueryId
from streamsel.api.views import LabelChoice, LabelChoices, QueryState, QueueView, unseen_by
from streamsel.config.sections import Labels
from streamsel.services.audit import Audit
from streamsel.services.desk import Desk


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
        "/queries/{query_id}",
        summary="One query",
        responses=documented(*ACCESS_PROBLEMS, UNKNOWN_QUERY, INVALID, DESK_UNREACHABLE, UNAUDITED),
    )
    async def query(query_id: QueryId, reviewer: Reviewer) -> QueryState:
        """Where a query stands, whoever holds it."""
        view = await desk.view(query_id)
        await audit.note(reviewer, "viewed", query_id)
        return QueryState.of(query_id, view, unseen_by(reviewer, lead_only))

    @router.get("/labels", summary="The labels to choose from", responses=documented(*ACCESS_PROBLEMS))
    async def label_choices(_: Reviewer) -> LabelChoices:
        """Names, guideline and examples, in the order of the page's buttons."""
        return choices

    return router
