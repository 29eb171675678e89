"""Sessions of the page."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from streamsel.api.auth import ACCESS_PROBLEMS, Reviewer, Unauthenticated, cookie_name
from streamsel.api.bodies import SessionRequest
from streamsel.api.media import json_only
from streamsel.api.problems import (
    CROSS_SITE,
    INVALID,
    MALFORMED,
    TOO_LARGE,
    UNAUTHENTICATED,
    WRONG_MEDIA_TYPE,
    documented,
)
from streamsel.api.sessions import SESSION_SECONDS, Sessions
from streamsel.api.views import SessionView

SESSION_PATH = "/v1/session"


def session_routes(sessions: Sessions) -> APIRouter:
    """``/v1/session``: who calls, and the way in and out of the page without an API key."""
    router = APIRouter(prefix=SESSION_PATH, tags=["session"])

    @router.post(
        "",
        summary="Open a session",
        status_code=204,
        response_description="The session's cookie is set.",
        dependencies=[Depends(json_only)],
        responses=documented(UNAUTHENTICATED, TOO_LARGE, WRONG_MEDIA_TYPE, MALFORMED, INVALID),
    )
    async def open_session(request: Request, response: Response, body: SessionRequest) -> None:
        """Exchanges the token of the one-time link for a session cookie. The token works once."""
        session = sessions.open(body.token.get_secret_value())
        if session is None:
            raise Unauthenticated("This link was used before, or is not one of ours.", refused=True)
        response.set_cookie(
            cookie_name(request),
            session,
            max_age=SESSION_SECONDS,
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    @router.get("", summary="Who calls", responses=documented(*ACCESS_PROBLEMS))
    async def who(reviewer: Reviewer) -> SessionView:
        """The name under which labels are recorded, and what it may do."""
        return SessionView(name=reviewer.name, scopes=list(reviewer.scopes))

    @router.delete(
        "", summary="End a session", status_code=204, responses=documented(*ACCESS_PROBLEMS, CROSS_SITE)
    )
    async def close_session(request: Request, response: Response, _: Reviewer) -> None:
        """Ends the session of the cookie, if the call has one."""
        name = cookie_name(request)
        sessions.close(request.cookies.get(name, ""))
        response.delete_cookie(
            name, path="/", secure=request.url.scheme == "https", httponly=True, samesite="strict"
        )

    return router
