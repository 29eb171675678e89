"""Decisions as JSON, a whole micro-batch at once.

One decision an event at tens of thousands of events a second: the columns are encoded in one call each and
the rows put together from a template, instead of a dictionary per event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from streamsel.codec.fields import VERSION, Fields, finite_or_none
from streamsel.codec.plain_queries import plain_decisions_query
from streamsel.codec.records import decode_query, query_fields
from streamsel.codec.trace_context import traceparent_of
from streamsel.records import LANES, Conditions, Decision, Lane, Query


@dataclass(frozen=True, slots=True)
class DecisionColumns:
    """One micro-batch of decisions from one partition. Arrays of shape (events,) unless said."""

    topic: str
    partition: int
    offsets: Sequence[int]
    event_ids: Sequence[str]
    decided_at: float
    model_version: int
    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    """(events, labels), or (events, 0) while nothing is known."""
    utilities: NDArray[np.float64]
    threshold: float
    query_fraction: float
    lanes: Sequence[int]
    """Codes, as in ``records.LANES``."""
    propensities: NDArray[np.float64]
    queries: Mapping[int, Query]
    """By row, for the events asked about."""
    segments: Sequence[Mapping[str, str]] | None = None
    rules: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By row, for the events that rules had a say about."""
    conditions: Conditions | None = None
    """Of all; written where there is a query."""
    traceparents: Mapping[int, str] = field(default_factory=dict)
    """By row, for the events that came with one."""


def encode_decisions(columns: DecisionColumns) -> list[bytes]:
    """One JSON object an event, in order."""
    count = len(columns.event_ids)
    if count == 0:
        return []
    width = columns.probabilities.shape[1]
    head = orjson.dumps({"kind": "decision", "v": VERSION})[:-1]
    shared = orjson.dumps(
        {
            "decided_at": columns.decided_at,
            "model_version": columns.model_version,
            "threshold": finite_or_none(columns.threshold),
            "query_fraction": columns.query_fraction,
        }
    )[1:-1]
    place = orjson.dumps([columns.topic, columns.partition])[:-1]
    labels = b",".join(orjson.dumps(label) + b":\0" for label in columns.labels[:width])
    template = (
        head + b',"event_id":\0,"source":' + place + b",\0]," + shared
        + b',"probabilities":{' + labels + b'},"utility":\0,"propensity":\0,"lane":"'
    )  # fmt: skip
    # A label or topic may hold a percent sign; the values' places are marked by what JSON never contains.
    template = template.replace(b"%", b"%%").replace(b"\0", b"%b")
    lane_ends = [lane.encode() + b'"}' for lane in LANES]
    rows = zip(
        # JSON escapes the line ends in a string, so these separate the ids and nothing else.
        orjson.dumps(list(columns.event_ids), option=orjson.OPT_INDENT_2)[4:-2].split(b",\n  "),
        _numbers(np.asarray(columns.offsets, dtype=np.int64)),
        *(_numbers(columns.probabilities[:, index]) for index in range(width)),
        _numbers(columns.utilities),
        _numbers(columns.propensities),
        strict=True,
    )
    values = [template % row + lane_ends[lane] for row, lane in zip(rows, columns.lanes, strict=True)]
    if columns.segments is not None:
        values = [
            value[:-1] + b',"segments":' + orjson.dumps(segments) + b"}" if segments else value
            for value, segments in zip(values, columns.segments, strict=True)
        ]
    for row_index, rules in columns.rules.items():
        values[row_index] = values[row_index][:-1] + b',"rules":' + orjson.dumps(rules) + b"}"
    for row_index, traceparent in columns.traceparents.items():
        values[row_index] = values[row_index][:-1] + b',"traceparent":"' + traceparent.encode() + b'"}'
    conditions = b"" if columns.conditions is None else b',"conditions":' + _conditions(columns.conditions)
    for row_index, query in columns.queries.items():
        query_json = orjson.dumps(query_fields(query))
        values[row_index] = values[row_index][:-1] + conditions + b',"query":' + query_json + b"}"
    return values


def decode_decision(content: bytes) -> Decision:
    """Raises ``Unreadable`` (reason ``unreadable_decision``) naming the field."""
    fields = Fields("decision", content)
    threshold = fields.optional_number("threshold")
    query: Any = fields.raw("query") if fields.has("query") else None
    return Decision(
        event_id=fields.text("event_id"),
        source=fields.source("source"),
        decided_at=fields.number("decided_at"),
        model_version=fields.integer("model_version"),
        probabilities=fields.numbers("probabilities"),
        utility=fields.number("utility"),
        threshold=float("inf") if threshold is None else threshold,
        query_fraction=fields.number("query_fraction"),
        lane=cast(Lane, fields.one_of("lane", LANES)),
        propensity=fields.number("propensity"),
        query=None if query is None else decode_query(query),
        segments=fields.texts("segments"),
        rules=fields.names("rules"),
        conditions=_decoded(fields.raw("conditions")) if fields.has("conditions") else None,
        traceparent=traceparent_of(fields.content.get("traceparent")),
    )


def query_of(content: bytes) -> Query | None:
    """The query of a decision, if it is to ask. Raises ``Unreadable`` naming the field."""
    if b'"query":' not in content:  # most decisions are not to ask, and reading one takes its time
        return None
    return plain_decisions_query(content) or decode_decision(content).query


def _conditions(conditions: Conditions) -> bytes:
    return orjson.dumps({name: value for name, value in asdict(conditions).items() if value is not None})


def _decoded(content: Any) -> Conditions:
    fields = Fields("decision", content)
    return Conditions(
        configuration=fields.optional_text("configuration"),
        candidates=fields.integer("candidates"),
        affordable=fields.number("affordable"),
        backlog=fields.integer("backlog") if fields.has("backlog") else None,
        oldest_seconds=fields.optional_number("oldest_seconds"),
        live_reviewers=fields.integer("live_reviewers") if fields.has("live_reviewers") else None,
        completions_per_second=fields.optional_number("completions_per_second"),
    )


def _numbers(column: NDArray[Any]) -> list[bytes]:
    """Each number of a column as JSON; NaN as null."""
    encoded = orjson.dumps(np.ascontiguousarray(column), option=orjson.OPT_SERIALIZE_NUMPY)
    return encoded[1:-1].split(b",")
