"""What is told of a record in a log. Pure.

A message names things and carries nothing of an event: whoever may see it asks the API for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, get_args

import orjson

from streamsel.codec import decode_log_record, query_of
from streamsel.records import Label, Retraction
from streamsel.review.disclosure import lane_shown

EventType: TypeAlias = Literal["label.recorded", "label.retracted", "query.offered"]

EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)


@dataclass(frozen=True, slots=True)
class Message:
    """``message_id`` is the same whenever the record is told of."""

    message_id: str
    body: bytes
    traceparent: str | None = None
    """Of the event it came of, if that had one."""


Reading: TypeAlias = Callable[[int, bytes], Message | None]
"""A record at an offset, to what is told of it, if anything. May raise ``Unreadable``."""


def of_label_log(wanted: Collection[EventType]) -> Reading:
    """Labels of queries, and what takes them back. Not seeds, nor opinions, which by themselves settle
    nothing."""

    def read(offset: int, content: bytes) -> Message | None:
        record = decode_log_record(content)
        match record:
            case Label(query_id=str()) if "label.recorded" in wanted:
                told = _told(record, offset)
                message_id, at = f"label-{offset}", record.labelled_at
                return _message("label.recorded", message_id, at, told, record.traceparent)
            case Retraction() if "label.retracted" in wanted and "~" not in record.label_id:
                told = {
                    "query_id": record.label_id,
                    "revision": record.revision,
                    "retracted_by": record.retracted_by,
                    "offset": offset,
                }
                return _message("label.retracted", f"label-{offset}", record.retracted_at, told)
        return None

    return read


def of_decisions(_: int, content: bytes) -> Message | None:
    """Queries. They reach the desk at about the same time as the message its address, or a little later."""
    query = query_of(content)
    if query is None:
        return None
    told = {"query_id": query.query_id, "event_id": query.event_id, "lane": lane_shown(query)}
    message_id = f"query-{query.query_id}"
    return _message("query.offered", message_id, query.decided_at, told, query.traceparent)


def _told(label: Label, offset: int) -> Mapping[str, Any]:
    return {
        "query_id": label.query_id,
        "event_id": label.event_id,
        "label": label.label,
        "revision": label.revision,
        "source": label.source,
        "labelled_by": label.labelled_by,
        "offset": offset,
        "model_version": offset + 1,
    }


def _message(
    kind: EventType,
    message_id: str,
    happened: float,
    told: Mapping[str, Any],
    traceparent: str | None = None,
) -> Message:
    timestamp = datetime.fromtimestamp(happened, UTC).isoformat()
    body = orjson.dumps({"type": kind, "timestamp": timestamp, "data": told})
    return Message(message_id, body, traceparent)
