"""How a query came about and what its answer was used for."""

from __future__ import annotations

from fastapi import APIRouter

from streamsel.api.auth import ACCESS_PROBLEMS, Lead
from streamsel.api.evidence_views import EvidenceView
from streamsel.api.problems import (
    DESK_UNREACHABLE,
    INVALID,
    LABEL_LOG_UNREACHABLE,
    STREAM_UNREACHABLE,
    UNAUDITED,
    UNKNOWN_QUERY,
    documented,
)
from streamsel.api.routes.claims import QueryId
from streamsel.services.audit import Audit
from streamsel.services.evidence.finding import EvidenceFinder


def evidence_routes(finder: EvidenceFinder, audit: Audit) -> APIRouter:
    """``/v1/queries/{query_id}/evidence``."""
    router = APIRouter(prefix="/v1", tags=["leads"])

    @router.get(
        "/queries/{query_id}/evidence",
        summary="How a query came about",
        responses=documented(
            *ACCESS_PROBLEMS,
            UNKNOWN_QUERY,
            INVALID,
            DESK_UNREACHABLE,
            LABEL_LOG_UNREACHABLE,
            STREAM_UNREACHABLE,
            UNAUDITED,
        ),
    )
    async def evidence(query_id: QueryId, lead: Lead) -> EvidenceView:
        """Why it was asked, under which model, configuration, budget and capacity; who answered in which role
        by which guideline; and whether its label trains or evaluates the model. Nothing of the event but its
        id. Of a query that the desk has no more: ``streamsel evidence``."""
        found = await finder.find(query_id)
        await audit.note(lead, "viewed", query_id)
        return EvidenceView(found)

    return router
