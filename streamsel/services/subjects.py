"""Which records are to be erased: those that tell of a subject, or those that are too old. Pure.

Both look at records as they are stored, so that one rule holds for labels, decisions, events and dead
letters alike, and for what of them can't be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import orjson

from streamsel.codec import decode_dead_letter
from streamsel.codec.layout import Layout, as_text

_TIMES = ("labelled_at", "retracted_at", "decided_at", "failed_at")


class Criterion(Protocol):
    """What is to be erased."""

    @property
    def linked(self) -> bool:
        """Whether all that refers to the event or query of an erased record goes as well."""

    def erases(self, content: bytes) -> bool:
        """Whether this record is among it."""


class Expired:
    """What was written before a time, in seconds since the epoch. Records that tell no time stay."""

    linked = False

    def __init__(self, before: float) -> None:
        self._before = before

    def erases(self, content: bytes) -> bool:
        """See ``Criterion``."""
        record = json_of(content)
        if not isinstance(record, Mapping):
            return False
        times = [record[name] for name in _TIMES if isinstance(record.get(name), int | float)]
        return bool(times) and max(times) < self._before


class Subject:
    """Whoever a field has this value for, in whatever part of a record: features, context, segments, the
    event itself. A summary is theirs that has a cell of it, and a record that can't be read when the value is
    anywhere in it."""

    linked = True

    def __init__(self, field: str, value: str, layout: Layout) -> None:
        """``field`` is a dotted path, or the stream's id field. Where the stream hashes the field, ``value``
        is what it was before."""
        self._paths = [field]
        if field == layout.id:
            self._paths += ["event_id", "id"]  # as records of ours and outcomes have it
        self._values = {value, *map(as_text, _hashed(field, value, layout))}
        self._cells = {f"{field}={one}" for one in self._values}
        """Of summaries, where the field is a segment."""

    def erases(self, content: bytes) -> bool:
        """See ``Criterion``."""
        record = json_of(content)
        if record is None:
            return any(value.encode() in content for value in self._values)
        if isinstance(record, dict) and record.get("kind") == "dead_letter":
            letter = decode_dead_letter(content)
            return self.erases(letter.payload) or any(value in letter.detail for value in self._values)
        if isinstance(record, dict) and record.get("kind") == "summary":
            return not self._cells.isdisjoint(record.get("cells", ()))
        return any(self._is_in(one) for one in _objects(record))

    def _is_in(self, content: Mapping[str, Any]) -> bool:
        return any(_at(content, path, self._is_value) for path in self._paths)

    def _is_value(self, value: Any) -> bool:
        if isinstance(value, list):
            return any(map(self._is_value, value))
        return not isinstance(value, dict | None) and as_text(value) in self._values


def json_of(content: bytes | str) -> Any:
    """What it says; ``None`` where it is no JSON."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """All objects in a value, those among them that stand as text."""
    waiting = [value]
    while waiting:
        match one := _structured(waiting.pop()):
            case dict():
                yield one
                waiting += one.values()
            case list():
                waiting += one


def _structured(value: Any) -> Any:
    """Arrays in features and context stand as JSON text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        found = json_of(value)
        return value if found is None else found
    return value


def _at(content: Any, path: str, holds: Callable[[Any], bool]) -> bool:
    """Whether something at the path holds; names may hold dots, and arrays are looked through."""
    content = _structured(content)
    if isinstance(content, list):
        return any(_at(one, path, holds) for one in content)
    if not isinstance(content, dict):
        return False
    return any(
        holds(_structured(value)) if name == path else _at(value, path[len(name) + 1 :], holds)
        for name, value in content.items()
        if path == name or path.startswith(f"{name}.")
    )


def _hashed(field: str, value: str, layout: Layout) -> Iterator[Any]:
    """What admission makes of the value, as a text and as the number or truth value it may have been."""
    given = [value]
    if (scalar := json_of(value)) is not None and not isinstance(scalar, dict | list):
        given.append(scalar)
    for one in given:
        event: Any = one
        for name in reversed(field.split(".")):
            event = {name: event}
        admitted: Any = layout.privacy.admitted(event)
        for name in field.split("."):
            admitted = admitted.get(name) if isinstance(admitted, dict) else None
        if admitted is not None:
            yield admitted
