"""The trace an event belongs to, as W3C Trace Context (https://www.w3.org/TR/trace-context/, §3.2) has it.

It is only handed on: nothing here begins a trace, adds a span to one, or decides what is sampled. What is
malformed is as good as not there, as the recommendation demands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

HEADER = "traceparent"

_FORM = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace_id>(?!0{32})[0-9a-f]{32})-(?P<span_id>(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)


def traceparent_of(value: object) -> str | None:
    """The value of one ``traceparent`` if it is well-formed, in the form of version 00; else ``None``.

    Of a later version the parts known here are kept, and of its flags whether it is sampled.
    """
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str) or (found := _FORM.fullmatch(value)) is None:
        return None
    if found["version"] == "00":
        return None if found["more"] else value
    sampled = int(found["flags"], 16) & 1
    return f"00-{found['trace_id']}-{found['span_id']}-{sampled:02x}"


def carried(headers: Iterable[tuple[str, bytes | None]]) -> str | None:
    """The ``traceparent`` among a record's headers; of several none, for they can't all be right."""
    return only([value for name, value in headers if name.lower() == HEADER])


def only(values: Sequence[object]) -> str | None:
    """The one value of the header ``traceparent``."""
    return traceparent_of(values[0]) if len(values) == 1 else None


def trace_fields(traceparent: str | None) -> dict[str, str]:
    """What a log line in this trace has, if there is one, by OpenTelemetry's names for other formats than its
    own."""
    if traceparent is None:
        return {}
    _, trace_id, span_id, _ = traceparent.split("-")
    return {"trace_id": trace_id, "span_id": span_id}
