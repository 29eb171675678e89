"""API keys: 256 random bits, of which only the SHA-256 is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from streamsel.api.callers import Caller
from streamsel.config.auth import ApiKey

PREFIX = "ssk_"
"""Lets secret scanners and people recognise a key."""


def new_key() -> tuple[str, str]:
    """A new secret and its SHA-256 in hexadecimal, which is what ``[auth] keys`` holds."""
    secret = PREFIX + secrets.token_urlsafe(32)
    return secret, digest(secret)


def digest(secret: str) -> str:
    """SHA-256 in hexadecimal. A slow hash would add nothing: there are 256 random bits to guess."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def identify(keys: Sequence[ApiKey], secret: str) -> Caller | None:
    """Whose key has this secret, found in a time that tells nothing of how near a guess came."""
    presented, found = digest(secret), None
    for key in keys:
        if hmac.compare_digest(key.sha256, presented):
            found = key
    return None if found is None else Caller(found.name, found.scope, found.tier, found.queues)
