"""Pieces of Markdown (CommonMark with GitHub's tables). Whatever comes from outside is text and nothing else:
no markup, no HTML, no link, no new line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>|~#&$@!]")
_AT_START = re.compile(r"^(\d+(?=[.)])|(?=[-+=:]))")
_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
"""Categories of characters that steer or hide: controls, directions, separators of lines."""


def text(value: object) -> str:
    """As it is read, whatever is in it."""
    plain = "".join(" " if unicodedata.category(one) in _UNSEEN else one for one in str(value)).strip()
    escaped = _SPECIAL.sub(r"\\\g<0>", plain).replace("://", r":\//")
    escaped = re.sub(r"(?i)\bwww\.", r"www\\.", escaped)
    return _AT_START.sub(r"\1\\", escaped)


def shown(value: Any) -> str:
    """A value of the report: numbers short, what is not known as a dash, lists one after the other."""
    match value:
        case None | "" | []:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case list():
            return ", ".join(shown(one) for one in value)
        case dict():
            return ", ".join(f"{text(key)}: {shown(one)}" for key, one in value.items()) or "–"
    return text(value)


def share(one: dict[str, Any]) -> str:
    """A mean with its interval."""
    if one["value"] is None:
        return "–"
    interval = one["interval"]
    between = "" if interval is None else f" ({interval[0]:.3f}–{interval[1]:.3f})"
    return f"{one['value']:.3f}{between}"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Cells as they are to stand there; nothing without a row."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ["None.", ""]
    return [f"| {' | '.join(titles)} |", "|" + " --- |" * len(titles), *lines, ""]


def facts(content: dict[str, Any]) -> list[str]:
    """Name and value, a line each."""
    return table(("", ""), ((text(name.replace("_", " ")), shown(value)) for name, value in content.items()))


def bullets(sentences: Iterable[str]) -> list[str]:
    """One a line."""
    return [*(f"- {text(sentence)}" for sentence in sentences), ""]
