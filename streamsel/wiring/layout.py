"""A configuration to what of an event is what."""

from __future__ import annotations

from streamsel.codec.layout import Layout
from streamsel.config import Config


def layout(config: Config) -> Layout:
    """Which fields of an event are what."""
    stream = config.stream
    return Layout(
        id=stream.id,
        features=None if stream.features == "*" else tuple(stream.features),
        exclude=tuple(stream.exclude),
        text=stream.text,
        timestamp=stream.timestamp,
        segments=tuple(stream.segments),
        redact=tuple(stream.redact),
        hash=tuple(stream.hash),
        hash_key=b"" if stream.hash_key is None else stream.hash_key.get_secret_value().encode(),
    )
