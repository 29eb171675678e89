"""What was found about a query, wherever it was looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamsel.records import Decision, LogRecord, Query
from streamsel.review.audit import Entry
from streamsel.review.quality import ReviewerQuality
from streamsel.services.configurations import Configuration


def every(_: int) -> bool:
    """No directive leaves anything out."""
    return True


@dataclass(frozen=True, slots=True)
class Material:
    """What evidence is put together from. What was not found is empty, and the reason is given for it."""

    query_id: str
    query: Query | None = None
    """As the desk has it."""
    decision: Decision | None = None
    no_decision: str = "its decision was not looked for"
    records: Sequence[tuple[int, LogRecord]] = ()
    """Of the label log, on this query alone, with their offsets."""
    no_records: str = ""
    """Why there may be more than these."""
    entries: Sequence[Entry] = ()
    """Of the audit log, on this query."""
    no_entries: str = ""
    configurations: Mapping[str, Configuration] = field(default_factory=dict)
    """By id."""
    qualities: Sequence[ReviewerQuality] = ()
    model: Mapping[str, Any] | None = None
    """That a directive had put in force when it was decided, instead of the configured one."""
    counts: Callable[[int], bool] = every
    """Whether the model learns from the record of the label log at this offset."""
