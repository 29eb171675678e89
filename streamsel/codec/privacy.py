"""What is taken out of an event, or made unrecognisable in it, before anything else sees it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeAlias

import orjson

from streamsel.codec.fields import Unreadable

_Treatment: TypeAlias = Callable[[Any], Any]

_DEEPEST = 100
"""Arrays in arrays beyond this are not searched, so their event is refused."""
_WHOLE_NUMBERS = 2.0**53
"""Up to here a float that is whole is one whole number."""


class Privacy:
    """Fields redacted (taken out) and hashed, by dotted path.

    A path leads through objects, and through arrays to each of their elements. Redacted comes first: what
    lies in a hashed object and is redacted is no part of its hash.
    """

    def __init__(self, redact: Sequence[str] = (), hashed: Sequence[str] = (), key: bytes = b"") -> None:
        # BLAKE2b takes keys of up to 64 bytes, and a passphrase may be longer.
        self._key = blake2b(key, person=b"streamsel key").digest()
        self._paths: dict[str, _Treatment | None] = {
            **dict.fromkeys(hashed, self._hash),
            **dict.fromkeys(redact),
        }

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._paths)

    def admitted(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The event as everybody may know it; the one given stays as it is.

        Raises ``Unreadable`` for what is nested too deeply to be searched or hashed."""
        return _treated(event, self._paths, 1)  # type: ignore[no-any-return]

    def _hash(self, value: Any) -> Any:
        """The keyed BLAKE2b (RFC 7693) of a value's JSON, 128 bits as 26 characters; null stays null.

        Equal values have equal hashes in whatever field, process and order of keys; a number and the text
        of its digits have not.
        """
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer() and abs(value) <= _WHOLE_NUMBERS:
            value = int(value)
        try:
            content = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            raise Unreadable("wrong_type", "a field to be hashed is nested too deeply") from None
        digest = blake2b(content, key=self._key, digest_size=16).digest()
        return base64.b32encode(digest).decode().rstrip("=").lower()


def without(features: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """Features or context by dotted path, less those at or below ``paths``; also from within arrays, which
    stand there as JSON."""
    hidden: dict[str, _Treatment | None] = dict.fromkeys(paths)
    shown = {}
    for name, value in features.items():
        if any(name == path or name.startswith(f"{path}.") for path in paths):
            continue
        below = _below(hidden, name)
        shown[name] = _less(value, below) if below and isinstance(value, str) else value
    return shown


def _less(text: str, below: Mapping[str, _Treatment | None]) -> str | None:
    """A text that is JSON of an array or object, less what lies at these paths in it."""
    try:
        value = orjson.loads(text)
        return orjson.dumps(_treated(value, below, 1)).decode() if isinstance(value, list | dict) else text
    except orjson.JSONDecodeError:
        return text
    except Unreadable:
        return None


def _treated(value: Any, paths: Mapping[str, _Treatment | None], depth: int) -> Any:
    """A copy of ``value`` in which what lies at ``paths`` is treated, or taken out where that is ``None``."""
    if not isinstance(value, dict | list) or not paths:
        return value
    if depth > _DEEPEST:
        raise Unreadable("wrong_type", "arrays with fields to be redacted or hashed are nested too deeply")
    if isinstance(value, list):
        return [_treated(one, paths, depth + 1) for one in value]
    treated = {}
    for name, given in value.items():
        inner = given
        if isinstance(given, dict | list):
            inner = _treated(given, _below(paths, name), depth + 1)
        if name in paths:
            treatment = paths[name]
            if treatment is None:
                continue
            inner = treatment(inner)
        treated[name] = inner
    return treated


def _below(paths: Mapping[str, _Treatment | None], name: str) -> dict[str, _Treatment | None]:
    """The rest of the paths that lead through the field ``name``, whose own name may hold dots."""
    start = f"{name}."
    return {path[len(start) :]: treatment for path, treatment in paths.items() if path.startswith(start)}
