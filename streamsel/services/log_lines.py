"""What a log line about a query says of it."""

from __future__ import annotations

from structlog.contextvars import get_contextvars

from streamsel.codec.trace_context import trace_fields
from streamsel.records import Query


def about(query: Query) -> dict[str, str]:
    """Its id, and the trace of its event unless the call at hand belongs to a trace of its own."""
    trace = {} if "trace_id" in get_contextvars() else trace_fields(query.traceparent)
    return {"query_id": query.query_id, **trace}
