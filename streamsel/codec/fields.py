"""Reading one JSON record field by field, naming what is missing or mistyped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

from streamsel.records import Source, Value

VERSION = 1
"""Written as ``v``; a record of a later version is read by the fields known here."""


class Unreadable(ValueError):
    """A record that can't be read. ``reason`` is a short fixed word, ``detail`` a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Fields:
    """One JSON object, read by name. ``what`` names it in errors."""

    def __init__(self, what: str, content: bytes | Mapping[str, Any]) -> None:
        if isinstance(content, bytes):
            try:
                content = orjson.loads(content)
            except orjson.JSONDecodeError as error:
                raise Unreadable(f"unreadable_{what}", f"not JSON: {error}") from None
        if not isinstance(content, Mapping):
            raise Unreadable(f"unreadable_{what}", f"a JSON object is needed, not {_shown(content)}")
        self._what = what
        self.content: Mapping[str, Any] = content

    def text(self, name: str, default: str | None = None) -> str:
        value = self._get(name, default)
        if not isinstance(value, str):
            raise self._mistyped(name, value, "a string")
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        value = self._get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._mistyped(name, value, "a whole number")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        value = self._get(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._mistyped(name, value, "a number")
        return float(value)

    def optional_number(self, name: str) -> float | None:
        return None if self.content.get(name) is None else self.number(name)

    def optional_text(self, name: str) -> str | None:
        return None if self.content.get(name) is None else self.text(name)

    def features(self, name: str, *, required: bool = True) -> dict[str, Value]:
        """Feature values by name, sorted by name."""
        values = self._mapping(name, required=required)
        for key, value in values.items():
            if value is not None and not isinstance(value, bool | int | float | str):
                raise self._mistyped(f"{name}.{key}", value, "a number, boolean, string or null")
        return dict(sorted(values.items()))

    def numbers(self, name: str) -> dict[str, float]:
        """Numbers by name; null ones left out."""
        values = self._mapping(name, required=False)
        for key, value in values.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise self._mistyped(f"{name}.{key}", value, "a number")
        return {key: float(value) for key, value in values.items() if value is not None}

    def texts(self, name: str) -> dict[str, str]:
        values = self._mapping(name, required=False)
        for key, value in values.items():
            if not isinstance(value, str):
                raise self._mistyped(f"{name}.{key}", value, "a string")
        return dict(values)

    def names(self, name: str) -> tuple[str, ...]:
        """An optional list of strings."""
        values = self._get(name, ())
        if not isinstance(values, list | tuple):
            raise self._mistyped(name, values, "a list of strings")
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise self._mistyped(f"{name}.{index}", value, "a string")
        return tuple(values)

    def one_of(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise self._mistyped(name, value, "one of " + ", ".join(allowed))
        return value

    def source(self, name: str) -> Source:
        """``[topic, partition, offset]``."""
        value = self._get(name, None)
        match value:
            case [str(topic), int(partition), int(offset)]:
                return Source(topic, partition, offset)
        raise self._mistyped(name, value, "[topic, partition, offset]")

    def raw(self, name: str) -> Any:
        return self._get(name, None)

    def has(self, name: str) -> bool:
        return self.content.get(name) is not None

    def _mapping(self, name: str, *, required: bool) -> Mapping[str, Any]:
        value = self._get(name, None if required else {})
        if not isinstance(value, Mapping):
            raise self._mistyped(name, value, "an object")
        return value

    def _get(self, name: str, default: Any) -> Any:
        value = self.content.get(name, default)
        if value is None:
            raise Unreadable(f"unreadable_{self._what}", f"field '{name}' is missing")
        return value

    def _mistyped(self, name: str, value: Any, wanted: str) -> Unreadable:
        return Unreadable(
            f"unreadable_{self._what}", f"field '{name}' is {_shown(value)}; it must be {wanted}"
        )


def finite_or_none(value: float) -> float | None:
    """JSON has no infinity."""
    return value if math.isfinite(value) else None


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."
