"""What becomes of the model: what is in force, and the way to change it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header

from streamsel.api.auth import ACCESS_PROBLEMS, Admin, Lead
from streamsel.api.bodies import IDEMPOTENCY_KEY
from streamsel.api.directive_bodies import DirectiveRequest
from streamsel.api.directive_views import CourseView, DirectiveView
from streamsel.api.media import json_only
from streamsel.api.problems import DIRECTIVE_REFUSED, LABEL_LOG_UNREACHABLE, documented
from streamsel.api.routes.claims import BODY_PROBLEMS
from streamsel.services.audit import Audit
from streamsel.services.directing import Directing

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=IDEMPOTENCY_KEY,
        description="Becomes the directive's id: sent again, it is given once.",
        examples=["b6f0b3f1c9d24a57"],
    ),
]


def directive_routes(directing: Directing, audit: Audit, now: Callable[[], float]) -> APIRouter:
    """``/v1/model/directives``."""
    router = APIRouter(prefix="/v1/model", tags=["model"])

    @router.get(
        "/directives",
        summary="What is in force, and why",
        responses=documented(*ACCESS_PROBLEMS, LABEL_LOG_UNREACHABLE),
    )
    async def course(_: Lead) -> CourseView:
        """The champion, its challengers, and every directive ever given."""
        await directing.read()
        return CourseView.of(directing)

    @router.post(
        "/directives",
        status_code=201,
        summary="Change the model",
        dependencies=[Depends(json_only)],
        responses=documented(*BODY_PROBLEMS, DIRECTIVE_REFUSED, LABEL_LOG_UNREACHABLE),
    )
    async def give(admin: Admin, body: DirectiveRequest, key: IdempotencyKey = None) -> DirectiveView:
        """Into the label log; every replica obeys it from the next record on. It is durable on return."""
        directive = body.directive(key or secrets.token_hex(8), admin.name, now())
        given = await directing.give(directive)
        await audit.note(
            admin,
            "directed",
            detail={
                "directive_id": given.directive.directive_id,
                "action": given.directive.action,
                "offset": given.offset,
            },
        )
        return DirectiveView.of(given)

    return router
