"""Who else answers than people."""

from __future__ import annotations

from fastapi import APIRouter

from streamsel.api.auth import ACCESS_PROBLEMS, Lead
from streamsel.api.oracle_views import OracleView
from streamsel.api.problems import documented
from streamsel.review.oracles import Accounts


def oracle_routes(accounts: Accounts) -> APIRouter:
    """``GET /v1/oracles``."""
    router = APIRouter(prefix="/v1", tags=["leads"])

    @router.get("/oracles", summary="How other oracles fare", responses=documented(*ACCESS_PROBLEMS))
    async def oracles(_: Lead) -> list[OracleView]:
        """Outcomes, models and rules, as far as the label log was read; none where none are configured."""
        return [OracleView.of(accounts.standing(name), terms) for name, terms in accounts.terms.items()]

    return router
