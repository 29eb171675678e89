"""The serving model."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from streamsel.api.auth import ACCESS_PROBLEMS, Reviewer
from streamsel.api.parts import ModelView
from streamsel.api.problems import documented
from streamsel.api.service_views import ServingModel


def model_routes(model: Callable[[], ModelView]) -> APIRouter:
    """``/v1/model``."""
    router = APIRouter(tags=["model"])

    @router.get("/v1/model", summary="The serving model", responses=documented(*ACCESS_PROBLEMS))
    async def serving_model(_: Reviewer) -> ServingModel:
        """What it is, how far it has read the label log, and the digest of what it has become."""
        return ServingModel.of(model())

    return router
