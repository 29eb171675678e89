"""An OpenID Connect provider, as its client sees it.

Authorization code flow (OpenID Connect Core 1.0 §3.1) with PKCE (RFC 7636) and discovery. What the provider
says of a person is taken from the ID token alone, whose signature, issuer, audience, times and nonce are
checked; only signatures by a key pair count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from streamsel.config.auth import Oidc, is_safe

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_ANSWER_SECONDS = 10.0
_KEPT_SECONDS = 3600.0
"""Then what the provider says of itself is read anew: a key it withdrew counts no longer than that."""
_LEEWAY_SECONDS = 60
"""Between its clock and ours."""


class ProviderUnreachable(Exception):
    """The provider did not answer, or said nothing of use. The message may name addresses."""


class NotVouchedFor(Exception):
    """What was sent does not prove who somebody is. The message is fit to show."""


class Provider:
    """``now`` gives seconds since 1970."""

    def __init__(self, settings: Oidc, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self._now = now
        self._metadata: Mapping[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at = 0.0

    async def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser."""
        metadata = await self._described()
        url: str = prepare_grant_uri(
            metadata["authorization_endpoint"],
            self.settings.client_id,
            "code",
            redirect_uri=self.settings.redirect_url,
            scope=" ".join(self.settings.scopes),
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return url

    async def claims(self, code: str, nonce: str, verifier: str) -> Mapping[str, Any]:
        """What the provider says of whoever came back with ``code``.

        Raises ``NotVouchedFor`` and ``ProviderUnreachable``.
        """
        metadata = await self._described()
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self.settings.redirect_url, code_verifier=verifier
        )
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        url, headers, body = self._client_auth(metadata).prepare(
            "POST", metadata["token_endpoint"], headers, body
        )
        response = await _call("POST", url, headers=headers, content=body)
        if 400 <= response.status_code < 500:
            raise NotVouchedFor("The provider does not know this sign-in, or not any more.")
        tokens = _object(response)
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise NotVouchedFor("The provider sent no ID token.")
        return await self._verified(id_token, nonce, tokens.get("access_token"))

    async def _verified(self, id_token: str, nonce: str, access_token: object) -> Mapping[str, Any]:
        try:
            token = await self._decoded(id_token)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": self.settings.issuer},
                    "aud": {"essential": True, "value": self.settings.client_id},
                },
                {"nonce": nonce, "client_id": self.settings.client_id, "access_token": access_token},
            )
            claims.validate(now=int(self._now()), leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise NotVouchedFor("The provider's ID token is not sound.") from error
        return token.claims

    async def _decoded(self, id_token: str) -> jwt.Token:
        registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
        try:
            return jwt.decode(id_token, await self._signing_keys(), registry=registry)
        except (InvalidKeyIdError, BadSignatureError):
            # The provider may have changed its keys since.
            return jwt.decode(id_token, await self._signing_keys(anew=True), registry=registry)

    async def _described(self) -> Mapping[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0 §4)."""
        if self._now() - self._read_at > _KEPT_SECONDS:
            metadata = _object(await _call("GET", get_well_known_url(self.settings.issuer, external=True)))
            if metadata.get("issuer") != self.settings.issuer:
                raise ProviderUnreachable(f"the issuer there is {metadata.get('issuer')!r}")
            for name in _ENDPOINTS:
                if not is_safe(urlsplit(str(metadata.get(name, "")))):
                    raise ProviderUnreachable(f"its {name} is no https:// address")
            self._metadata, self._keys, self._read_at = metadata, None, self._now()
        return self._metadata

    async def _signing_keys(self, *, anew: bool = False) -> KeySet:
        metadata = await self._described()
        if self._keys is None or anew:
            keys = _object(await _call("GET", metadata["jwks_uri"]))
            try:
                self._keys = KeySet.import_key_set(keys)  # type: ignore[arg-type]
            except (JoseError, KeyError, TypeError, ValueError) as error:
                raise ProviderUnreachable(f"its keys cannot be read: {error!r}") from error
        return self._keys

    def _client_auth(self, metadata: Mapping[str, Any]) -> ClientAuth:
        secret = self.settings.client_secret
        supported = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"
        if secret is None:
            return ClientAuth(self.settings.client_id, None, "none")
        return ClientAuth(self.settings.client_id, secret.get_secret_value(), method)


async def _call(method: str, url: str, **content: Any) -> httpx.Response:
    try:
        async with httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False) as client:
            return await client.request(method, url, **content)
    except httpx.HTTPError as error:
        raise ProviderUnreachable(f"{url}: {error!r}") from error


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        content = response.raise_for_status().json()
    except (httpx.HTTPStatusError, ValueError) as error:
        raise ProviderUnreachable(f"{response.url}: {error!r}") from error
    if not isinstance(content, dict):
        raise ProviderUnreachable(f"{response.url}: no JSON object")
    return content
