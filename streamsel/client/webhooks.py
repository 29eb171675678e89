"""Messages that the desk sends of its own accord, signed as the Standard Webhooks specification has it.

``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA256 over
``{webhook-id}.{webhook-timestamp}.{body}``; there may be several, apart by spaces, while a secret is being
replaced.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streamsel.signing import signature

TOLERANCE_SECONDS = 300.0
"""How old a message may be, or how far ahead its clock; an older one may have been kept and sent again."""


class InvalidWebhook(Exception):
    """Not from the desk, or not of now: not to be believed."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One message. It may come more than once, each time under the same ``id``."""

    id: str
    type: str
    timestamp: datetime
    """When it happened."""
    data: Mapping[str, Any]


def verify_webhook(headers: Mapping[str, str], body: bytes, secret: str, now: float | None = None) -> Webhook:
    """The message, if it is the desk's and of now. ``body`` as it came, before anything has parsed it.

    Raises ``InvalidWebhook``. ``now``: seconds since 1970, of the system's clock unless given.
    """
    found = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, sent = found["webhook-id"], found["webhook-timestamp"]
        signatures = found["webhook-signature"].split(" ")
    except KeyError as error:
        raise InvalidWebhook(f"there is no header {error}") from None
    if not (sent.isascii() and sent.isdecimal() and len(sent) <= 12):
        raise InvalidWebhook("webhook-timestamp is no number of seconds")
    if abs((time.time() if now is None else now) - int(sent)) > TOLERANCE_SECONDS:
        raise InvalidWebhook("the message is too old, or from the future")
    wanted = signature(message_id, int(sent), body, secret).encode()
    if not any(hmac.compare_digest(wanted, one.encode("utf-8", "replace")) for one in signatures):
        raise InvalidWebhook("none of the signatures is the desk's")
    message = json.loads(body)
    happened = datetime.fromisoformat(message["timestamp"])
    return Webhook(message_id, message["type"], happened, message["data"])
