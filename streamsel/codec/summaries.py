"""Summaries as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from streamsel.codec.fields import VERSION, Fields, Unreadable
from streamsel.learning.evaluation.sums import Columns
from streamsel.records import Summary

_DIGITS = 6
"""Of the sums after the point."""


def encode_summary(summary: Summary) -> bytes:
    """One JSON object."""
    return orjson.dumps(
        {
            "kind": "summary",
            "v": VERSION,
            "summary_id": summary.summary_id,
            "decided_from": summary.decided_from,
            "decided_to": summary.decided_to,
            "events": summary.events,
            "labels": summary.labels,
            "cells": summary.cells,
            "sums": np.round(summary.sums, _DIGITS),
            "sampled": summary.sampled,
            "numbers": summary.numbers,
            "categories": summary.categories,
        },
        option=orjson.OPT_SERIALIZE_NUMPY,
    )


def decode_summary(content: bytes) -> Summary:
    """Raises ``Unreadable`` (reason ``unreadable_summary``) naming the field."""
    fields = Fields("summary", content)
    fields.one_of("kind", ("summary",))
    labels, cells = fields.names("labels"), fields.names("cells")
    sums = _table(fields.raw("sums"), len(cells), Columns(len(labels)))
    return Summary(
        summary_id=fields.text("summary_id"),
        decided_from=fields.number("decided_from"),
        decided_to=fields.number("decided_to"),
        events=fields.integer("events"),
        labels=labels,
        cells=cells,
        sums=sums,
        sampled=fields.integer("sampled", 0),
        numbers={name: tuple(map(float, _list(values))) for name, values in _object(fields, "numbers")},
        categories={name: _counts(counts) for name, counts in _object(fields, "categories")},
    )


def _table(rows: Any, cells: int, columns: Columns) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        table = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError):
        raise _mistyped("sums") from None
    width = columns.width
    if table.shape == (cells, width - 1):  # of a release that held nothing out
        table = np.insert(table, columns.unpredicted - 1, 0.0, axis=1)
    if table.shape != (cells, width) or not np.isfinite(table).all():
        raise _mistyped("sums")
    return table


def _object(fields: Fields, name: str) -> list[tuple[str, Any]]:
    value = fields.raw(name) if fields.has(name) else {}
    if not isinstance(value, Mapping):
        raise _mistyped(name)
    return list(value.items())


def _list(values: Any) -> list[float]:
    if not isinstance(values, list) or not all(
        isinstance(one, int | float) and math.isfinite(one) for one in values
    ):
        raise _mistyped("numbers")
    return values


def _counts(counts: Any) -> dict[str, int]:
    if not isinstance(counts, Mapping) or not all(isinstance(count, int) for count in counts.values()):
        raise _mistyped("categories")
    return dict(counts)


def _mistyped(name: str) -> Unreadable:
    return Unreadable("unreadable_summary", f"field '{name}' is not as this release writes it")
