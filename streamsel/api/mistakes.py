"""Validation errors in words: which field, what was sent, what is right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from streamsel.api.problems import FieldError

LONGEST_VALUE = 100
"""Characters of a value, or of a field's name, that are repeated to the caller."""

_UNREPEATED_FIELDS = frozenset({"token"})
_UNREPEATED_ERRORS = frozenset({"missing", "extra_forbidden"})
"""An unknown field may hold a misplaced secret; a missing one has no value but the whole body."""

_EXPECTATIONS = {
    "missing": "must be present",
    "extra_forbidden": "is not known here and must be left out",
}


def explained(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Pydantic's errors of a request, without the caller's secrets and without large values."""
    return [_explained(error) for error in errors]


def printable(text: str, longest: int = LONGEST_VALUE) -> str:
    """At most so many characters, all of which can be encoded."""
    shown = text if len(text) <= longest else text[: longest - 1] + "…"
    return shown.encode("utf-8", "replace").decode()


def _explained(error: Mapping[str, Any]) -> FieldError:
    where, *path = error["loc"]
    name = printable(".".join(map(str, path)) or str(where))
    expected = _EXPECTATIONS.get(error["type"])
    if expected is None:
        subject, should, what = str(error["msg"]).removeprefix("Value error, ").partition("should")
        expected = should + what or subject
    field = FieldError(field=name, expected=printable(expected))
    value = error.get("input")
    if not path or name in _UNREPEATED_FIELDS or error["type"] in _UNREPEATED_ERRORS:
        return field
    if isinstance(value, str):
        field.value = printable(value)
    elif value is None or isinstance(value, bool):
        field.value = value
    elif isinstance(value, int | float):
        field.value = value if math.isfinite(value) and abs(value) < 2**63 else printable(f"{value:g}")
    return field
