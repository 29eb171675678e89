"""A real OpenID Connect provider on 127.0.0.1: it lets in whom a test tells it to, and can be made to lie."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from streamsel.api.server import serve

CLIENT_ID, CLIENT_SECRET = "streamsel", "the client's secret"


@cache
def first_key() -> RSAKey:
    """Made once, for that takes a while."""
    return RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True)


class Provider:
    """``claims`` are those of the person who signs in next; the other fields are what a test may forge."""

    def __init__(self) -> None:
        self.url = ""
        self.claims: dict[str, Any] = {
            "sub": "248289761001",
            "email": "ana@example.com",
            "email_verified": True,
            "groups": ["fraud-reviewers"],
        }
        self.keys = [first_key()]
        self.forged: dict[str, Any] = {}
        """Claims of the ID token that differ from what they should be; ``None`` leaves one out."""
        self.token: str | None = None
        """Sent instead of an ID token that is signed by the newest key."""
        self.described: dict[str, Any] = {}
        """What differs in the discovery document."""
        self.asked: list[str] = []
        """Paths, in the order of the requests."""
        self._codes: dict[str, Mapping[str, str]] = {}

    def rotate(self) -> None:
        """From now on another key signs; the old one is withdrawn."""
        self.keys = [RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"}, private=True)]

    def id_token(self, nonce: str, key: RSAKey | None = None) -> str:
        """Signed by ``key``, the newest of its own unless told otherwise."""
        now = int(time.time())
        claims = {
            **self.claims,
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.forged,
        }
        sound = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.keys[-1].kid}, sound, key or self.keys[-1])

    def unsigned(self, nonce: str) -> str:
        """The same with ``alg`` none."""
        header, payload, _ = self.id_token(nonce).split(".")
        header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
        return f"{header}.{payload}."

    def app(self) -> FastAPI:
        app = FastAPI()
        app.state.closing = asyncio.Event()

        @app.middleware("http")
        async def remember(request: Request, call_next: Any) -> Any:
            self.asked.append(request.url.path)
            return await call_next(request)

        @app.get("/.well-known/openid-configuration")
        async def discovery() -> dict[str, Any]:
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize?tenant=1",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "id_token_signing_alg_values_supported": ["none", "HS256", "RS256"],
                **self.described,
            }

        @app.get("/keys")
        async def keys() -> Any:
            return KeySet(list(self.keys)).as_dict(private=False)

        @app.get("/authorize")
        async def authorize(request: Request) -> RedirectResponse:
            asked = dict(request.query_params)
            assert asked["response_type"] == "code"
            assert asked["client_id"] == CLIENT_ID
            assert "openid" in asked["scope"].split()
            assert asked["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe(16)
            self._codes[code] = asked
            back = urlencode({"code": code, "state": asked["state"], "iss": self.url})
            return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

        @app.post("/token")
        async def token(request: Request) -> JSONResponse:
            basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
            form = dict(pair.split("=", 1) for pair in (await request.body()).decode().split("&"))
            asked = self._codes.pop(form["code"], None)
            if (
                asked is None
                or request.headers.get("authorization") != f"Basic {basic}"
                or create_s256_code_challenge(form["code_verifier"]) != asked["code_challenge"]
            ):
                return JSONResponse({"error": "invalid_grant"}, 400)
            id_token = self.token if self.token is not None else self.id_token(asked["nonce"])
            return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": id_token})

        return app


@asynccontextmanager
async def running_provider() -> AsyncIterator[Provider]:
    """On a free port."""
    provider = Provider()
    server = await serve(provider.app(), "127.0.0.1", 0)
    provider.url = server.url
    try:
        yield provider
    finally:
        await server.stop()
