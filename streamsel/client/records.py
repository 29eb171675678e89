"""What the desk answers, typed. Fields that a newer desk adds are left out: old programs go on working.

All times are seconds since 1970 by the desk's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, TypeAlias

Value: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class _Record:
    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """From the JSON object of this name in the API's description."""
        return cls(**{field.name: found[field.name] for field in fields(cls) if field.name in found})


@dataclass(frozen=True, slots=True)
class Query(_Record):
    """The event asked about. What the model thinks, and when it was asked about, are ``None`` where they must
    not sway the answer."""

    event_id: str
    lane: str
    timestamp: float | None
    decided_at: float | None
    features: Mapping[str, Value]
    context: Mapping[str, Value]
    segments: Mapping[str, str]
    probabilities: Mapping[str, float] | None
    utility: float | None
    propensity: float | None
    rules: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Claim(_Record):
    """A query in the caller's hands until ``lease_expires_at``, under its ``fence``."""

    query_id: str
    fence: int
    queue: str
    attempt: int
    lease_seconds: float
    lease_expires_at: float
    due_at: float | None
    sensitive: bool
    query: Query

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """With its query."""
        return super(Claim, cls).of({**found, "query": Query.of(found["query"])})


@dataclass(frozen=True, slots=True)
class Answer(_Record):
    """An answer, at ``offset`` in the label log. ``model_version`` is the first that has learned it; ``None``
    for one of several opinions."""

    query_id: str
    label: str
    labelled_by: str
    offset: int
    model_version: int | None
    revision: int


@dataclass(frozen=True, slots=True)
class PastAnswer(_Record):
    """One of the caller's last answers, which can be corrected or undone while ``revision`` is the newest."""

    query_id: str
    event_id: str
    label: str
    answered_at: float
    revision: int


@dataclass(frozen=True, slots=True)
class QueueFigures(_Record):
    """The desk at a glance; ``waiting`` and ``leased`` by lane."""

    waiting: Mapping[str, int]
    leased: Mapping[str, int]
    backlog: int
    target_backlog: int
    oldest_seconds: float
    live_reviewers: int
    completions_per_second: float
    mean_review_seconds: float | None
    expired_total: int
    dead_total: int
    disputed: int
    queues: Mapping[str, Mapping[str, float]]
    """By name: ``waiting``, ``oldest_seconds``, ``overdue``."""
