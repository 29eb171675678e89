"""Which fields of an event are what: the stream's configuration, applied to one decoded object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from streamsel.codec.fields import Unreadable
from streamsel.codec.privacy import Privacy
from streamsel.records import Value

MAX_DEPTH = 32
MOST_PATHS = 1_000_000
"""Characters in all paths of an event: nested under long names, a small event's fields could grow huge."""
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
    """Fields taken out at admission: neither a feature nor shown to anyone."""
    hash: Sequence[str] = ()
    """Fields replaced by a keyed hash at admission."""
    hash_key: bytes = field(default=b"", repr=False)
    privacy: Privacy = field(init=False, repr=False, compare=False)
    """To be applied to every event before anything else here is asked of it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "privacy", Privacy(self.redact, self.hash, self.hash_key))

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
                segments[path] = as_text(value)
        return segments

    def event_context(self, event: Mapping[str, Any], features: Mapping[str, Value]) -> dict[str, Value]:
        """What a reviewer is shown beside the features: every other leaf, arrays as JSON; as much as
        ``leaves`` bears."""
        context: dict[str, Value] = {}
        with suppress(Unreadable):
            for path, value in leaves(event):
                if path in features or path == self.id:
                    continue
                context[path] = _as_json(value) if isinstance(value, list | dict) else value
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


def as_text(value: Any) -> str:
    """A scalar as the name of a group or label; booleans as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def leaves(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every scalar, null and array with its dotted path, and objects nested too deeply as they are.

    Raises ``Unreadable`` where the paths grow out of all proportion."""
    length = 0
    for path, value in _leaves(event, "", 1):
        length += len(path)
        if length > MOST_PATHS:
            raise Unreadable("too_large", f"the paths of its fields have more than {MOST_PATHS} characters")
        yield path, value


def _leaves(event: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in event.items():
        path = prefix + name
        if isinstance(value, dict) and depth < MAX_DEPTH:
            yield from _leaves(value, path + ".", depth + 1)
        else:
            yield path, value


def covered(path: str, reserved: frozenset[str]) -> bool:
    """Whether a path or an object it lies in is reserved."""
    if path in reserved:
        return True
    return "." in path and any(path[:index] in reserved for index, char in enumerate(path) if char == ".")


def shown(value: Any) -> str:
    """A value for an error message, cut short."""
    text = _as_json(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _as_json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return f"a {type(value).__name__} nested too deeply to show"
