"""Sessions of the page."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from streamsel.api.auth import ACCESS_PROBLEMS, Reviewer, cookie_name
from streamsel.api.bodies import SessionRequest
from streamsel.api.media import json_only
from streamsel.api.problems import (
    CROSS_SITE,
    DESK_UNREACHABLE,
    INVALID,
    MALFORMED,
    TOO_LARGE,
    TOO_MANY_CALLS,
    UNAUDITED,
    UNAUTHENTICATED,
    WRONG_MEDIA_TYPE,
    documented,
)
from streamsel.api.refusals import Refusals, Unauthenticated
from streamsel.api.sessions import LINK_HOLDER, OneTimeLink, Sessions
from streamsel.api.signing_in import SigningIn
from streamsel.api.views import SessionView
from streamsel.services.audit import Audit

SESSION_PATH = "/v1/session"


def session_routes(
    sessions: Sessions, signing_in: SigningIn, audit: Audit, refusals: Refusals, link: OneTimeLink | None
) -> APIRouter:
    """``/v1/session``: who calls, and the way in and out of the page without an API key."""
    router = APIRouter(prefix=SESSION_PATH, tags=["session"])

    @router.post(
        "",
        summary="Open a session",
        status_code=204,
        response_description="The session's cookie is set.",
        dependencies=[Depends(json_only)],
        responses=documented(
            UNAUTHENTICATED,
            TOO_LARGE,
            WRONG_MEDIA_TYPE,
            MALFORMED,
            INVALID,
            TOO_MANY_CALLS,
            DESK_UNREACHABLE,
            UNAUDITED,
        ),
    )
    async def open_session(request: Request, response: Response, body: SessionRequest) -> None:
        """Exchanges the token of the one-time link for a session cookie. The token works once."""
        session = None if link is None else await link.open(body.token.get_secret_value(), sessions)
        if session is None:
            problem = Unauthenticated("This link was used before, or is not one of ours.", refused=True)
            raise await refusals.failed_sign_in(request, "a wrong or used one-time link", problem)
        await signing_in.admit(request, response, LINK_HOLDER, session)

    @router.get("", summary="Who calls", responses=documented(*ACCESS_PROBLEMS))
    async def who(reviewer: Reviewer) -> SessionView:
        """The name under which labels are recorded, and what it may do."""
        return SessionView.of(reviewer)

    @router.delete(
        "",
        summary="End a session",
        status_code=204,
        responses=documented(*ACCESS_PROBLEMS, CROSS_SITE, UNAUDITED),
    )
    async def close_session(request: Request, response: Response, reviewer: Reviewer) -> None:
        """Ends the session of the cookie, if the call has one, at every desk."""
        name = cookie_name(request)
        session = request.cookies.get(name)
        if session:
            await sessions.close(session)
            await audit.note(reviewer, "signed out")
        response.delete_cookie(
            name, path="/", secure=request.url.scheme == "https", httponly=True, samesite="strict"
        )

    return router
