"""Queries read at once, where they are just as they are written here: a queue made anew reads them all."""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import msgspec

from streamsel.codec.plain_labels import Whole
from streamsel.codec.trace_context import traceparent_of
from streamsel.records import Lane, Query, Value

_Values: TypeAlias = dict[str, float | Whole | bool | str | None]


class _Written(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A query's fields, those first that none lacks."""

    query_id: str
    event_id: str
    lane: Lane
    propensity: float
    utility: float
    probabilities: dict[str, float]
    model_version: Whole
    decided_at: float
    features: _Values
    v: int
    context: _Values = {}
    timestamp: float | None = None
    segments: dict[str, str] = {}
    rules: tuple[str, ...] = ()
    contributions: dict[str, float] = {}
    traceparent: str | None = None


class _Decision(msgspec.Struct, gc=False):
    """Of all that a decision holds."""

    query: _Written


_Read = TypeVar("_Read")
_QUERIES = msgspec.json.Decoder(_Written)
_DECISIONS = msgspec.json.Decoder(_Decision)


def plain_query(content: bytes) -> Query | None:
    """``None`` for one that is written otherwise or can't be read: it is read field by field, by ``Fields``,
    to the same or to what is wrong with it."""
    read = _read(_QUERIES, content)
    return None if read is None else _query(read)


def plain_decisions_query(content: bytes) -> Query | None:
    """That of a decision to ask, read as ``plain_query`` and without the rest of the decision."""
    read = _read(_DECISIONS, content)
    return None if read is None else _query(read.query)


def _read(decoder: msgspec.json.Decoder[_Read], content: bytes) -> _Read | None:
    try:
        return decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _query(read: _Written) -> Query:
    return Query(
        read.query_id,
        read.event_id,
        read.lane,
        read.propensity,
        read.utility,
        read.probabilities,
        read.model_version,
        read.decided_at,
        _by_name(read.features),
        _by_name(read.context),
        read.timestamp,
        read.segments,
        read.rules,
        read.contributions,
        traceparent_of(read.traceparent),
    )


def _by_name(values: dict[str, Value]) -> dict[str, Value]:
    names = list(values)
    return values if names == sorted(names) else dict(sorted(values.items()))
