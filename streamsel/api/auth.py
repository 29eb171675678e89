"""Who calls, and what they may do. Closed unless opened: an address nobody thought of needs a key too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from streamsel.api.keys import identify
from streamsel.api.problems import CROSS_SITE, FORBIDDEN, UNAUTHENTICATED, Problem
from streamsel.api.sessions import Sessions
from streamsel.config.auth import ApiKey
from streamsel.review.roles import Role

_SCOPES: dict[Role, Sequence[Role]] = {
    "reviewer": ("reviewer",),
    "lead": ("reviewer", "lead"),
    "producer": ("producer",),
    "admin": ("reviewer", "lead", "producer", "admin"),
}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Unauthenticated(Problem):
    """401, with the challenge RFC 6750 asks for."""

    def __init__(self, detail: str, *, refused: bool = False) -> None:
        challenge = 'Bearer realm="streamsel"' + (', error="invalid_token"' if refused else "")
        super().__init__(UNAUTHENTICATED, detail, headers={"WWW-Authenticate": challenge})


class Caller(NamedTuple):
    """Who calls; labels are recorded under this name, never under one from a body."""

    name: str
    scopes: Sequence[Role]


class Gatekeeper:
    """Admits API keys and the page's sessions, before anything of the body is read.

    ``open_calls`` are the (method, path) pairs that anyone may call.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: Sequence[ApiKey],
        sessions: Sessions,
        open_calls: frozenset[tuple[str, str]],
    ) -> None:
        self._app = app
        self._keys = keys
        self._sessions = sessions
        self._open_calls = open_calls

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["method"], scope["path"]) not in self._open_calls:
            try:
                scope["caller"] = self._caller(HTTPConnection(scope))
            except Problem as problem:
                await problem.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _caller(self, conn: HTTPConnection) -> Caller:
        if "authorization" in conn.headers:
            return self._by_key(conn.headers["authorization"])
        return self._by_session(conn)

    def _by_key(self, authorization: str) -> Caller:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("The Authorization header must be 'Bearer' and an API key.")
        key = identify(self._keys, secret.strip())
        if key is None:
            raise Unauthenticated("This API key is not known here.", refused=True)
        return Caller(key.name, _SCOPES[key.scope])

    def _by_session(self, conn: HTTPConnection) -> Caller:
        session = conn.cookies.get(cookie_name(conn))
        reviewer = self._sessions.reviewer(session) if session else None
        if reviewer is None:
            raise Unauthenticated("Send an API key as 'Authorization: Bearer …'.")
        if conn.scope["method"] not in _SAFE_METHODS and not _sent_by_the_page(conn):
            raise Problem(CROSS_SITE, "With a cookie, only the page itself may change anything.")
        return Caller(reviewer, _SCOPES["reviewer"])


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
    description="An API key, made by `streamsel config key`. Its scope is reviewer, producer or admin (all).",
)


async def _permitted(
    request: Request,
    required: SecurityScopes,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    caller: Caller = request.scope["caller"]
    if not set(required.scopes) <= set(caller.scopes):
        challenge = f'Bearer realm="streamsel", error="insufficient_scope", scope="{required.scope_str}"'
        detail = f"This needs a key of scope {required.scope_str}, or admin."
        raise Problem(FORBIDDEN, detail, headers={"WWW-Authenticate": challenge})
    return caller


Reviewer = Annotated[Caller, Security(_permitted, scopes=["reviewer"])]
"""A caller who may review."""

Producer = Annotated[Caller, Security(_permitted, scopes=["producer"])]
"""A caller who may send events."""

ACCESS_PROBLEMS = (UNAUTHENTICATED, FORBIDDEN)
"""What any call with a scope may meet; a session meets ``CROSS_SITE`` as well."""
