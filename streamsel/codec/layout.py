"""Which fields of an event are what: the stream's configuration, applied to one decoded object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from streamsel.codec.fields import Unreadable
from streamsel.records import Value

MAX_DEPTH = 32
LARGEST_NUMBER = 1e100
"""Beyond it squares overflow, and one event would ruin every scaled model."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths are field names, dotted for nested ones; a name that itself holds dots is tried first."""

    id: str = "id"
    features: Sequence[str] | None = None
    """``None``: every field that is not the id, the timestamp or excluded."""
    exclude: Sequence[str] = ()
    text: str | None = None
    timestamp: str | None = None
    segments: Sequence[str] = ()
    redact: Sequence[str] = ()
    """Fields that never leave the selector: neither a feature nor shown to a reviewer."""

    def reserved(self) -> frozenset[str]:
        """Paths that are no features under ``features = "*"``."""
        names = {self.id, *self.exclude, *self.redact}
        return frozenset(names | {self.timestamp} if self.timestamp else names)

    def event_id(self, event: Mapping[str, Any]) -> str | None:
        """The id as text, or ``None`` when the event has none."""
        value = find(event, self.id)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Unreadable(
                "wrong_type", f"id field '{self.id}' is {shown(value)}; it must be a string or whole number"
            )
        if value == "":
            raise Unreadable("wrong_type", f"id field '{self.id}' is empty; leave it out or fill it")
        return str(value)

    def event_features(self, event: Mapping[str, Any]) -> dict[str, Value]:
        """Feature values by path. Raises ``Unreadable`` for a listed feature that is no scalar, a number out
        of range, or when there is no feature at all."""
        features: dict[str, Value] = {}
        if self.features is None:
            reserved = self.reserved()
            for path, value in leaves(event):
                if isinstance(value, list) or covered(path, reserved):
                    continue
                features[path] = self._checked(path, value)
        else:
            for path in self.features:
                features[path] = self._checked(path, find(event, path))
            if self.text is not None:
                features[self.text] = self._checked(self.text, find(event, self.text))
        if all(value is None for value in features.values()):
            raise Unreadable("no_features", "the event has no value for any feature")
        return features

    def event_time(self, event: Mapping[str, Any]) -> float | None:
        """Seconds since the epoch, from a number (milliseconds when over 10^11) or ISO 8601 text."""
        if self.timestamp is None:
            return None
        value = find(event, self.timestamp)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value / 1000.0 if abs(value) > 1e11 else float(value)
        if isinstance(value, str):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                pass
            else:
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        raise Unreadable(
            "wrong_type",
            f"timestamp field '{self.timestamp}' is {shown(value)}; it must be seconds or milliseconds since "
            "1970, or an ISO 8601 time",
        )

    def event_segments(self, event: Mapping[str, Any]) -> dict[str, str]:
        """Segment values as text; absent ones left out."""
        segments = {}
        for path in self.segments:
            value = find(event, path)
            if isinstance(value, dict | list):
                raise Unreadable(
                    "wrong_type", f"segment field '{path}' is {shown(value)}; it must be a scalar"
                )
            if value is not None:
                segments[path] = str(value).lower() if isinstance(value, bool) else str(value)
        return segments

    def event_context(self, event: Mapping[str, Any], features: Mapping[str, Value]) -> dict[str, Value]:
        """What a reviewer is shown beside the features: every other leaf that is not redacted."""
        redacted = frozenset(self.redact)
        context: dict[str, Value] = {}
        for path, value in leaves(event):
            if path in features or path == self.id or covered(path, redacted):
                continue
            context[path] = orjson.dumps(value).decode() if isinstance(value, list) else value
        return dict(sorted(context.items()))

    def _checked(self, path: str, value: Any) -> Value:
        if isinstance(value, float | int) and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
            raise Unreadable(
                "wrong_type", f"feature '{path}' is {value:g}; it must lie within ±{LARGEST_NUMBER:g}"
            )
        if path == self.text and value is not None and not isinstance(value, str):
            raise Unreadable("wrong_type", f"text field '{path}' is {shown(value)}; it must be a string")
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise Unreadable(
            "wrong_type", f"feature '{path}' is {shown(value)}; it must be a number, boolean, string or null"
        )


def find(event: Mapping[str, Any], path: str) -> Any:
    """The value at a path, or ``None``."""
    if path in event:
        return event[path]
    value: Any = event
    for part in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def leaves(event: Mapping[str, Any], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    """Every scalar, null and list with its dotted path."""
    if depth > MAX_DEPTH:
        raise Unreadable("wrong_type", f"objects are nested deeper than {MAX_DEPTH} levels")
    for name, value in event.items():
        path = prefix + name
        if isinstance(value, dict):
            yield from leaves(value, path + ".", depth + 1)
        else:
            yield path, value


def covered(path: str, reserved: frozenset[str]) -> bool:
    """Whether a path or an object it lies in is reserved."""
    if path in reserved:
        return True
    return "." in path and any(path[:index] in reserved for index, char in enumerate(path) if char == ".")


def shown(value: Any) -> str:
    """A value for an error message, cut short."""
    text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode(errors="replace")
    return text if len(text) <= 80 else text[:77] + "..."
