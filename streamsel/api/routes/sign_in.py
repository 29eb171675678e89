"""Signing in at the provider, for people."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from typing import Annotated

import orjson
import structlog
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from streamsel.api.callers import address_of
from streamsel.api.keys import digest
from streamsel.api.oidc import NotVouchedFor, Provider, ProviderUnreachable
from streamsel.api.people import NotInvited, caller_of
from streamsel.api.problems import (
    DESK_UNREACHABLE,
    INVALID,
    NOT_INVITED,
    PROVIDER_UNREACHABLE,
    TOO_MANY_CALLS,
    UNAUDITED,
    UNAUTHENTICATED,
    Problem,
    documented,
)
from streamsel.api.rates import Rates
from streamsel.api.refusals import Refusals, Unauthenticated, too_many
from streamsel.api.sessions import Sessions
from streamsel.api.signing_in import SigningIn
from streamsel.ports import SessionStore

LOGIN_PATH = "/v1/session/login"
CALLBACK_PATH = "/v1/session/callback"

_SECONDS = 600
"""How long somebody may take at the provider."""
_BEGUN_PER_SECOND = 1.0
_BEGUN_AT_ONCE = 60
"""From one address, behind which may be a whole office at nine o'clock."""

_log = structlog.get_logger()

_PROBLEMS = (TOO_MANY_CALLS, PROVIDER_UNREACHABLE, DESK_UNREACHABLE)
_Parameter = Annotated[str, Query(max_length=4_000)]


def sign_in_routes(
    provider: Provider,
    store: SessionStore,
    sessions: Sessions,
    signing_in: SigningIn,
    refusals: Refusals,
    taken: Collection[str],
) -> APIRouter:
    """``/v1/session/login`` and ``/v1/session/callback``. ``taken`` are the names of API keys."""
    router = APIRouter(tags=["session"], default_response_class=RedirectResponse)
    begun = Rates(_BEGUN_PER_SECOND, _BEGUN_AT_ONCE)

    @router.get(
        LOGIN_PATH,
        summary="Sign in",
        status_code=303,
        response_description="To the provider.",
        responses=documented(*_PROBLEMS),
    )
    async def login(request: Request) -> RedirectResponse:
        """Sends the browser to the provider, which sends it back to the callback."""
        if wait := begun.take(address_of(request)):
            raise too_many(wait)
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        try:
            url = await provider.authorization_url(state, nonce, verifier)
        except ProviderUnreachable as error:
            raise _unreachable(error) from None
        await store.put(_key(state), orjson.dumps([nonce, verifier, digest(browser)]), _SECONDS)
        response = RedirectResponse(url, 303)
        # Lax, for the provider's page leads back here.
        response.set_cookie(
            _cookie_name(request),
            browser,
            max_age=_SECONDS,
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return response

    @router.get(
        CALLBACK_PATH,
        summary="Come back from the provider",
        status_code=303,
        response_description="The session's cookie is set; to the page.",
        responses=documented(UNAUTHENTICATED, NOT_INVITED, INVALID, UNAUDITED, *_PROBLEMS),
    )
    async def callback(
        request: Request,
        state: _Parameter = "",
        code: _Parameter = "",
        iss: _Parameter = "",
    ) -> RedirectResponse:
        """Opens a session for whom the provider vouches. Works once, and only in the browser that began."""
        begun_with = await store.take(_key(state))
        nonce, verifier, browser = orjson.loads(begun_with) if begun_with is not None else ("", "", "")
        presented = digest(request.cookies.get(_cookie_name(request), ""))
        try:
            if begun_with is None or not hmac.compare_digest(browser, presented):
                raise NotVouchedFor("This sign-in was begun elsewhere, used before, or took too long.")
            if not code or iss not in ("", provider.settings.issuer):  # RFC 9207 §2.4
                raise NotVouchedFor("The provider has not let you in.")
            caller = caller_of(await provider.claims(code, nonce, verifier), provider.settings, taken)
        except NotVouchedFor as refusal:
            _log.warning("sign_in_refused", reason=str(refusal), cause=repr(refusal.__cause__))
            problem: Problem = Unauthenticated(f"{refusal} Please sign in again.", sign_in=LOGIN_PATH)
            raise await refusals.failed_sign_in(request, "a sign-in that proves nothing", problem) from None
        except NotInvited as refusal:
            problem = Problem(NOT_INVITED, str(refusal))
            raise await refusals.failed_sign_in(request, "somebody not invited", problem) from None
        except ProviderUnreachable as error:
            raise _unreachable(error) from None
        response = RedirectResponse("/", 303)
        await signing_in.admit(request, response, caller, await sessions.open(caller))
        response.delete_cookie(
            _cookie_name(request),
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return response

    return router


def _key(state: str) -> str:
    return "sign-in:" + digest(state)


def _cookie_name(request: Request) -> str:
    return "__Host-streamsel-sign-in" if request.url.scheme == "https" else "streamsel-sign-in"


def _unreachable(error: ProviderUnreachable) -> Problem:
    _log.warning("sign_in_provider_unreachable", error=str(error))
    return Problem(PROVIDER_UNREACHABLE, "Please try again, or tell whoever runs this desk.")
