"""What every way to sign in ends with."""

from __future__ import annotations

from fastapi import Request, Response

from streamsel.api.auth import cookie_name
from streamsel.api.callers import Caller, address_of
from streamsel.api.sessions import Sessions
from streamsel.services.audit import Audit, Unaudited


class SigningIn:
    """Hands a new session to the browser that asked for it."""

    def __init__(self, sessions: Sessions, audit: Audit) -> None:
        self._sessions = sessions
        self._audit = audit

    async def admit(self, request: Request, response: Response, caller: Caller, session: str) -> None:
        """Sets the cookie of a new session, once the audit log knows of it. The browser's former session, if
        it had one, is over: nobody takes one along who signs in anew."""
        former = request.cookies.get(cookie_name(request))
        if former:
            await self._sessions.close(former)
        try:
            await self._audit.note(caller, "signed in", detail={"address": address_of(request)})
        except Unaudited:
            await self._sessions.close(session)
            raise
        response.set_cookie(
            cookie_name(request),
            session,
            max_age=int(self._sessions.session_seconds),
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
