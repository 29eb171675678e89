"""Addresses that may hold a secret, and what of them is shown when a configuration is printed.

The configuration itself has them whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import PlainSerializer

from streamsel.config.auth import SafeAddress

HIDDEN = "***"


def host_alone(url: str) -> str:
    """Scheme and host with its port: what follows is the token of many receivers of webhooks."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{HIDDEN}"


def without_credentials(url: str) -> str:
    """Without who signs in, and without the values after a question mark."""
    place, mark, query = url.partition("?")
    return re.sub("://.*@", f"://{HIDDEN}@", place) + mark + "&".join(_names(query))


def _names(query: str) -> Iterator[str]:
    for pair in filter(None, query.split("&")):
        name, equals, _ = pair.partition("=")
        yield f"{name}={HIDDEN}" if equals else HIDDEN


ReceiverAddress = Annotated[SafeAddress, PlainSerializer(host_alone, when_used="json")]
StoreAddress = Annotated[str, PlainSerializer(without_credentials, when_used="json")]
