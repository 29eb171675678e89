"""Why a payload is not an event: one fixed word and a sentence for each way to be wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from streamsel.codec.fields import Unreadable


def parse(payload: bytes | None, max_bytes: int) -> dict[str, Any]:
    """The JSON object in a payload; raises ``Unreadable`` with the reason.

    Reasons: ``too_large``, ``not_utf8``, ``not_finite``, ``not_json``, ``not_an_object``,
    ``duplicate_keys``.
    """
    if payload is None:
        raise Unreadable("not_json", "the record has no value")
    if len(payload) > max_bytes:
        raise Unreadable("too_large", f"{len(payload)} bytes; at most {max_bytes} are taken")
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise _malformed(payload, error) from None
    if not isinstance(event, dict):
        raise Unreadable("not_an_object", f"the event is a JSON {_kind(event)}; it must be an object")
    if not keys_are_unique(payload, event):
        key = _first_duplicate(payload)
        if key is not None:
            raise Unreadable("duplicate_keys", f"key '{key[:80]}' stands twice in one object")
    return event


def keys_are_unique(payload: bytes, event: Mapping[str, Any]) -> bool:
    """True only when no object in the payload can hold a key twice; False when a closer look is needed.

    Counts the quotes followed by a colon: with no escaped backslash and no space before a colon these are
    the keys as written and the escaped quotes before a colon. Parsing drops a repeated key, so equal counts
    mean that none was repeated.
    """
    if b"\\\\" in payload or any(gap in payload for gap in (b" :", b"\t:", b"\n:", b"\r:")):
        return False
    written = payload.count(b'":') - payload.count(b'\\":')
    return written == _count_keys(event)


def _count_keys(value: Any) -> int:
    count, pending = 0, [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            count += len(one)
            pending.extend(child for child in one.values() if isinstance(child, dict | list))
        else:
            pending.extend(child for child in one if isinstance(child, dict | list))
    return count


class _Duplicate(Exception):
    pass


def _first_duplicate(payload: bytes) -> str | None:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in items:
            if key in seen:
                raise _Duplicate(key)
            seen[key] = value
        return seen

    try:
        json.loads(payload, object_pairs_hook=pairs)
    except _Duplicate as duplicate:
        return str(duplicate)
    except RecursionError:
        raise Unreadable("wrong_type", "arrays or objects are nested too deeply") from None
    except ValueError as error:  # e.g. a number of more digits than Python reads
        raise Unreadable("not_json", str(error)) from None
    return None


def _malformed(payload: bytes, error: orjson.JSONDecodeError) -> Unreadable:
    try:
        text = payload.decode()
    except UnicodeDecodeError as undecodable:
        return Unreadable("not_utf8", f"byte {undecodable.start} is not UTF-8")
    if "infinity" in str(error):
        return Unreadable("not_finite", str(error))

    def refuse(constant: str) -> float:
        raise _Duplicate(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except _Duplicate as constant:
        return Unreadable("not_finite", f"{constant} is not JSON")
    except (ValueError, RecursionError):
        pass
    return Unreadable("not_json", str(error))


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return {list: "array", str: "string", bool: "boolean"}.get(type(value), "number")
