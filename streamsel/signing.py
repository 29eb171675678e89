"""Signatures of webhooks by the Standard Webhooks specification, for the desk and for its clients."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with
"""Before the base64 of the secret's bytes."""


def signature(message_id: str, timestamp: int, body: bytes, secret: str) -> str:
    """The ``v1`` signature of a message sent at ``timestamp``, in seconds since 1970."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(key_of(secret), signed, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def key_of(secret: str) -> bytes:
    """The key behind a secret. Raises ``ValueError`` for one that is none."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(f"a webhook secret is {SECRET_PREFIX} and base64: {error}") from None
    if not secret.startswith(SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(f"a webhook secret is {SECRET_PREFIX} and the base64 of 24 to 64 bytes")
    return key
