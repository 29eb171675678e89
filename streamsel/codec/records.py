"""Queries, label-log records and dead letters as JSON."""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import blake2b
from typing import Any, cast

import orjson

from streamsel.codec.directives import directive_of, encode_directive
from streamsel.codec.fields import VERSION, Fields, Unreadable
from streamsel.codec.plain_labels import plain_label
from streamsel.codec.plain_queries import plain_query
from streamsel.codec.trace_context import traceparent_of
from streamsel.records import (
    LANES,
    DeadLetter,
    Directive,
    Label,
    LabelSource,
    Lane,
    LogRecord,
    Opinion,
    OpinionKind,
    Query,
    Retraction,
)

LABEL_SOURCES: tuple[LabelSource, ...] = ("reviewer", "consensus", "seed", "outcome", "model", "rule")
OPINION_KINDS: tuple[OpinionKind, ...] = ("overlap", "late", "gold", "oracle")

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What JSON writes six bytes for."""


def query_id_of(event_id: str) -> str:
    """The query id of an event: 128 bits of BLAKE2b over its id, as 26 URL-safe characters.

    An event seen twice is so one query, whoever decides it.
    """
    digest = blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def encode_query(query: Query) -> bytes:
    """One query; a part of its decision, and what the desk stores."""
    return orjson.dumps(query_fields(query))


def query_fields(query: Query) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "v": VERSION,
        "query_id": query.query_id,
        "event_id": query.event_id,
        "lane": query.lane,
        "propensity": query.propensity,
        "utility": query.utility,
        "probabilities": query.probabilities,
        "model_version": query.model_version,
        "decided_at": query.decided_at,
        "features": query.features,
    }
    if query.context:
        fields["context"] = query.context
    if query.timestamp is not None:
        fields["timestamp"] = query.timestamp
    if query.segments:
        fields["segments"] = query.segments
    if query.rules:
        fields["rules"] = query.rules
    if query.contributions:
        fields["contributions"] = query.contributions
    if query.traceparent is not None:
        fields["traceparent"] = query.traceparent
    return fields


def decode_query(content: bytes | dict[str, Any]) -> Query:
    """Raises ``Unreadable`` naming the field."""
    if isinstance(content, bytes) and (query := plain_query(content)) is not None:
        return query
    fields = Fields("query", content)
    return Query(
        query_id=fields.text("query_id"),
        event_id=fields.text("event_id"),
        lane=cast(Lane, fields.one_of("lane", LANES)),
        propensity=fields.number("propensity"),
        utility=fields.number("utility"),
        probabilities=fields.numbers("probabilities"),
        model_version=fields.integer("model_version"),
        decided_at=fields.number("decided_at"),
        features=fields.features("features"),
        context=fields.features("context", required=False),
        timestamp=fields.optional_number("timestamp"),
        segments=fields.texts("segments"),
        rules=fields.names("rules"),
        contributions=fields.numbers("contributions"),
        traceparent=traceparent_of(fields.content.get("traceparent")),
    )


def encode_log_record(record: LogRecord) -> bytes:
    """What the label log holds, as JSON."""
    if isinstance(record, Directive):
        return encode_directive(record)
    if isinstance(record, Retraction):
        return orjson.dumps(
            {
                "kind": "retraction",
                "v": VERSION,
                "label_id": record.label_id,
                "revision": record.revision,
                "reason": record.reason,
                "retracted_by": record.retracted_by,
                "retracted_at": record.retracted_at,
            }
        )
    if isinstance(record, Opinion):
        return orjson.dumps(
            {
                "kind": "opinion",
                "v": VERSION,
                "query_id": record.query_id,
                "event_id": record.event_id,
                "label": record.label,
                "labelled_by": record.labelled_by,
                "labelled_at": record.labelled_at,
                "opinion": record.kind,
                "slot": record.slot,
                "slots": record.slots,
                "seconds": record.seconds,
                "expected": record.expected,
                "revision": record.revision,
            }
        )
    return orjson.dumps(
        {
            "kind": "label",
            "v": VERSION,
            "label_id": record.label_id,
            "revision": record.revision,
            "event_id": record.event_id,
            "label": record.label,
            "source": record.source,
            "labelled_by": record.labelled_by,
            "labelled_at": record.labelled_at,
            "query_id": record.query_id,
            "lane": record.lane,
            "propensity": record.propensity,
            "probabilities": record.probabilities,
            "model_version": record.model_version,
            "decided_at": record.decided_at,
            "segments": record.segments,
            "seconds": record.seconds,
            "features": dict(sorted(record.features.items())),
            **({} if record.traceparent is None else {"traceparent": record.traceparent}),
        }
    )


def decode_log_record(content: bytes | dict[str, Any]) -> LogRecord:
    """Raises ``Unreadable`` (reason ``unreadable_label``) naming the field."""
    if isinstance(content, bytes) and (label := plain_label(content)) is not None:
        return label
    fields = Fields("label", content)
    match fields.one_of("kind", ("label", "opinion", "retraction", "directive")):
        case "directive":
            return directive_of(fields)
        case "opinion":
            return _opinion(fields)
        case "retraction":
            return _retraction(fields)
    return Label(
        label_id=fields.text("label_id"),
        revision=fields.integer("revision"),
        event_id=fields.text("event_id"),
        label=fields.text("label"),
        source=cast(LabelSource, fields.one_of("source", LABEL_SOURCES)),
        labelled_by=fields.text("labelled_by"),
        labelled_at=fields.number("labelled_at"),
        features=fields.features("features"),
        query_id=fields.optional_text("query_id"),
        lane=cast(Lane, fields.one_of("lane", LANES, "none")),
        propensity=fields.number("propensity", 0.0),
        probabilities=fields.numbers("probabilities"),
        model_version=fields.integer("model_version", 0),
        decided_at=fields.optional_number("decided_at"),
        segments=fields.texts("segments"),
        seconds=fields.optional_number("seconds"),
        traceparent=traceparent_of(fields.content.get("traceparent")),
    )


def _opinion(fields: Fields) -> Opinion:
    return Opinion(
        query_id=fields.text("query_id"),
        event_id=fields.text("event_id"),
        label=fields.text("label"),
        labelled_by=fields.text("labelled_by"),
        labelled_at=fields.number("labelled_at"),
        kind=cast(OpinionKind, fields.one_of("opinion", OPINION_KINDS)),
        slot=fields.integer("slot", 1),
        slots=fields.integer("slots", 1),
        seconds=fields.optional_number("seconds"),
        expected=fields.optional_text("expected"),
        revision=fields.integer("revision", 1),
    )


def _retraction(fields: Fields) -> Retraction:
    return Retraction(
        label_id=fields.text("label_id"),
        revision=fields.integer("revision"),
        reason=fields.text("reason", ""),
        retracted_by=fields.text("retracted_by"),
        retracted_at=fields.number("retracted_at"),
    )


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """With the payload as text where it is UTF-8 that JSON need not swell much, base64 otherwise."""
    fields: dict[str, Any] = {
        "kind": "dead_letter",
        "v": VERSION,
        "reason": letter.reason,
        "detail": letter.detail,
        "source": list(letter.source),
        "failed_at": letter.failed_at,
    }
    text = _readable(letter.payload)
    if text is not None:
        fields["payload"] = text
    else:
        fields["payload_base64"] = base64.b64encode(letter.payload).decode()
    return orjson.dumps(fields)


def decode_dead_letter(content: bytes) -> DeadLetter:
    """Raises ``Unreadable`` naming the field."""
    fields = Fields("dead_letter", content)
    if fields.has("payload_base64"):
        payload = _from_base64(fields.text("payload_base64"))
    else:
        payload = fields.text("payload").encode()
    return DeadLetter(
        reason=fields.text("reason"),
        detail=fields.text("detail", ""),
        source=fields.source("source"),
        payload=payload,
        failed_at=fields.number("failed_at"),
    )


def _readable(payload: bytes) -> str | None:
    if _CONTROL.search(payload):
        return None
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Unreadable("unreadable_dead_letter", f"field 'payload_base64' is no base64: {error}") from None
