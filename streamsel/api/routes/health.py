"""What probes and Prometheus read; open to all, so nothing of the data is in it."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from streamsel.api.parts import Readiness
from streamsel.api.problems import NOT_READY, Problem, documented
from streamsel.api.service_views import Health
from streamsel.metrics import Metrics

OPEN_PATHS = ("/healthz", "/readyz", "/metrics")


class _TextFormat(Response):
    media_type = CONTENT_TYPE_PLAIN_0_0_4


def health_routes(health: Callable[[], Readiness], metrics: Metrics) -> APIRouter:
    """``/healthz``, ``/readyz`` and ``/metrics``."""
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", summary="Is the process alive")
    async def alive() -> Health:
        """Answers as long as the process can answer at all; one that does not should be restarted."""
        return Health(status="alive")

    @router.get("/readyz", summary="Can the process do its work", responses=documented(NOT_READY))
    async def ready() -> Health:
        """503 with the reasons while it should get no calls."""
        readiness = health()
        if not readiness.ready:
            raise Problem(NOT_READY, "; ".join(readiness.reasons), reasons=readiness.reasons)
        return Health(status="ready")

    @router.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=_TextFormat,
        responses={
            200: {
                "content": {
                    CONTENT_TYPE_PLAIN_0_0_4: {
                        "example": "# TYPE streamsel_events_total counter\nstreamsel_events_total 0.0\n"
                    }
                }
            }
        },
    )
    async def exposition() -> _TextFormat:
        """The text format, version 0.0.4."""
        return _TextFormat(metrics.exposition())

    return router
