"""Events by HTTP, for those who do not write to the stream themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request

from streamsel.api.auth import ACCESS_PROBLEMS, Producer
from streamsel.api.media import JSON, JSON_LINES, media_type
from streamsel.api.mistakes import printable
from streamsel.api.problems import (
    INVALID,
    STREAM_UNREACHABLE,
    TOO_LARGE,
    UNREADABLE_EVENT,
    WRONG_MEDIA_TYPE,
    FieldError,
    Problem,
    documented,
)
from streamsel.api.service_views import AcceptedEvents
from streamsel.api.traced import trace_of
from streamsel.codec.fields import Unreadable
from streamsel.codec.poison import parse
from streamsel.ports import EventIntake

MOST_EVENTS = 1_000
"""Events in one call."""

EVENTS_PATH = "/v1/events"

_EXAMPLE = {"id": "tx-20931", "amount": 912.5, "country": "PT"}
_REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        JSON: {"schema": {"type": "object"}, "example": _EXAMPLE},
        JSON_LINES: {
            "schema": {"description": f"One object a line, at most {MOST_EVENTS} lines."},
            "example": '{"id": "tx-20931", "amount": 912.5}\n{"id": "tx-20932", "amount": 3.1}\n',
        },
    },
}


def event_routes(intake: EventIntake, max_event_bytes: int) -> APIRouter:
    """``POST /v1/events``."""
    router = APIRouter(tags=["events"])

    @router.post(
        EVENTS_PATH,
        summary="Send events",
        status_code=202,
        response_description="The events are durably in the stream.",
        responses=documented(
            *ACCESS_PROBLEMS, TOO_LARGE, WRONG_MEDIA_TYPE, INVALID, UNREADABLE_EVENT, STREAM_UNREACHABLE
        ),
        openapi_extra={"requestBody": _REQUEST_BODY},
    )
    async def send_events(request: Request, _: Producer) -> AcceptedEvents:
        """Puts one JSON object, or one a line, into the stream as it is. A line that turns out to be no event
        goes to the dead letters; a single object is refused here. All of a call or nothing. With the header
        ``traceparent`` of W3C Trace Context, all of them belong to that trace."""
        kind = media_type(request)
        if kind == JSON:
            events: Sequence[bytes] = [_single(await request.body(), max_event_bytes)]
        elif kind == JSON_LINES:
            events = _lines(await request.body(), max_event_bytes)
        else:
            raise Problem(WRONG_MEDIA_TYPE, f"Content-Type must be {JSON} or {JSON_LINES}.")
        return AcceptedEvents.of(await intake.append(events, trace_of(request.scope)))

    return router


def _single(body: bytes, max_bytes: int) -> bytes:
    try:
        parse(body, max_bytes)
    except Unreadable as unreadable:
        kind = TOO_LARGE if unreadable.reason == "too_large" else UNREADABLE_EVENT
        raise Problem(kind, printable(str(unreadable))) from None
    return body


def _lines(body: bytes, max_bytes: int) -> Sequence[bytes]:
    lines = [line.removesuffix(b"\r") for line in body.split(b"\n") if line.strip()]
    if not lines:
        raise Problem(INVALID, "There is no event in the body.")
    if len(lines) > MOST_EVENTS:
        raise Problem(TOO_LARGE, f"{len(lines)} events; at most {MOST_EVENTS} are taken at once.")
    errors = [
        FieldError(field=f"event {number}", value=f"{len(line)} bytes", expected=f"at most {max_bytes} bytes")
        for number, line in enumerate(lines, start=1)
        if len(line) > max_bytes
    ]
    if errors:
        raise Problem(TOO_LARGE, "Some events are too large; none was taken.", errors)
    return lines
