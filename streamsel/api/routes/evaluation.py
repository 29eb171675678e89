"""How good the model is over the whole stream."""

from __future__ import annotations

from fastapi import APIRouter

from streamsel.api.auth import ACCESS_PROBLEMS, Lead
from streamsel.api.evaluation_views import EvaluationView
from streamsel.api.problems import documented
from streamsel.services.evaluating import Evaluating


def evaluation_routes(evaluating: Evaluating) -> APIRouter:
    """``GET /v1/evaluation``."""
    router = APIRouter(prefix="/v1", tags=["leads"])

    @router.get("/evaluation", summary="How good the model is", responses=documented(*ACCESS_PROBLEMS))
    async def evaluation(_: Lead) -> EvaluationView:
        """Over all events, labelled or not, by augmented inverse propensity weighting of those that were
        asked about, with 95 % intervals; at most ten seconds old."""
        return EvaluationView.of(evaluating.quality)

    return router
