"""Who calls, and what they may do. Closed unless opened: an address nobody thought of needs a key too."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from streamsel.api.callers import Caller
from streamsel.api.keys import identify
from streamsel.api.problems import (
    CROSS_SITE,
    DESK_UNREACHABLE,
    FORBIDDEN,
    HEADERS_TOO_LARGE,
    TOO_MANY_CALLS,
    UNAUTHENTICATED,
    Problem,
)
from streamsel.api.rates import Rates
from streamsel.api.refusals import Refusals, Unauthenticated, too_many
from streamsel.api.sessions import Sessions
from streamsel.config.auth import Auth
from streamsel.review.refusals import DeskUnreachable
from streamsel.review.roles import includes

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_BURST_SECONDS = 10


class Gatekeeper:
    """Admits API keys and the page's sessions, before anything of the body is read, at the rate allowed.

    ``open_calls`` are the (method, path) pairs that anyone may call; ``sign_in`` is where people sign in.
    """

    def __init__(
        self,
        app: ASGIApp,
        auth: Auth,
        sessions: Sessions,
        refusals: Refusals,
        open_calls: frozenset[tuple[str, str]],
        sign_in: str | None,
    ) -> None:
        self._app = app
        self._keys = auth.keys
        self._sessions = sessions
        self._refusals = refusals
        self._open_calls = open_calls
        self._sign_in = sign_in
        self._rates = Rates(auth.calls_per_second, auth.calls_per_second * _BURST_SECONDS)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["method"], scope["path"]) not in self._open_calls:
            try:
                scope["caller"] = await self._caller(HTTPConnection(scope))
            except Problem as problem:
                await problem.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _caller(self, conn: HTTPConnection) -> Caller:
        if "authorization" in conn.headers:
            caller = await self._by_key(conn, conn.headers["authorization"])
        else:
            caller = await self._by_session(conn)
        if wait := self._rates.take(caller.name):
            raise too_many(wait)
        return caller

    async def _by_key(self, conn: HTTPConnection, authorization: str) -> Caller:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("The Authorization header must be 'Bearer' and an API key.")
        caller = identify(self._keys, secret.strip())
        if caller is None:
            problem = Unauthenticated("This API key is not known here.", refused=True)
            raise await self._refusals.failed_sign_in(conn, "an unknown key", problem)
        return caller

    async def _by_session(self, conn: HTTPConnection) -> Caller:
        session = conn.cookies.get(cookie_name(conn))
        try:
            caller = await self._sessions.caller(session) if session else None
        except DeskUnreachable:
            raise Problem(DESK_UNREACHABLE, "Whose session this is cannot be told now.") from None
        if caller is None:
            problem = Unauthenticated("Send an API key as 'Authorization: Bearer …'.", sign_in=self._sign_in)
            if session:
                raise await self._refusals.failed_sign_in(conn, "a session that is over or unknown", problem)
            raise problem
        if conn.scope["method"] not in _SAFE_METHODS and not _sent_by_the_page(conn):
            await self._refusals.forbidden(caller, conn, "a cookie sent by another page")
            raise Problem(CROSS_SITE, "With a cookie, only the page itself may change anything.")
        return caller


def cookie_name(conn: HTTPConnection) -> str:
    """Over TLS the ``__Host-`` prefix (RFC 6265bis §4.1.3.2) ties the cookie to this one host."""
    return "__Host-streamsel" if conn.url.scheme == "https" else "streamsel"


def _sent_by_the_page(conn: HTTPConnection) -> bool:
    """A header that needs a preflight elsewhere, and the browser's own word for where the call came from."""
    if conn.headers.get("x-requested-with") != "streamsel":
        return False
    site = conn.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(conn.headers.get("origin", ""))
    return (origin.scheme, origin.netloc) == (conn.url.scheme, conn.url.netloc)


_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="apiKey",
    description="An API key, made by `streamsel config key`. Its scope is reviewer, lead (which includes "
    "reviewer), producer, or admin (all).",
)


async def _permitted(
    request: Request,
    required: SecurityScopes,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    caller: Caller = request.scope["caller"]
    for needed in required.scopes:
        if not includes(caller.role, needed):  # type: ignore[arg-type]
            refusals: Refusals = request.app.state.refusals
            await refusals.forbidden(caller, request, f"it needs the role {needed}")
            challenge = f'Bearer realm="streamsel", error="insufficient_scope", scope="{required.scope_str}"'
            detail = f"This needs the role {needed}, or one that includes it."
            raise Problem(FORBIDDEN, detail, headers={"WWW-Authenticate": challenge})
    return caller


Reviewer = Annotated[Caller, Security(_permitted, scopes=["reviewer"])]
"""A caller who may review."""

Lead = Annotated[Caller, Security(_permitted, scopes=["lead"])]
"""A caller who may also correct, pause and reassign."""

Producer = Annotated[Caller, Security(_permitted, scopes=["producer"])]
"""A caller who may send events."""

Admin = Annotated[Caller, Security(_permitted, scopes=["admin"])]
"""A caller who may do everything."""

ACCESS_PROBLEMS = (UNAUTHENTICATED, FORBIDDEN, TOO_MANY_CALLS, HEADERS_TOO_LARGE, DESK_UNREACHABLE)
"""What any call with a scope may meet; a session meets ``CROSS_SITE`` as well."""
