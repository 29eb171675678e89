"""How Schemathesis sends ``application/x-ndjson``: what it made up, as one line."""

from __future__ import annotations

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def one_line(_: schemathesis.SerializationContext, body: object) -> bytes:
    """A line need not be an event: the dead letters take it."""
    return json.dumps(body).encode()
