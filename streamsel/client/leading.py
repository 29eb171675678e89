"""What leads are told, typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from streamsel.client.listed import QueryBrief
from streamsel.client.records import Record


@dataclass(frozen=True, slots=True)
class Reviewer(Record):
    """How a reviewer fares; a figure is ``None`` where there is nothing to tell from. ``paused`` is why they
    get no claims."""

    name: str
    live: bool
    last_seen_at: float
    held: int
    answered: int
    answered_per_hour: float
    median_seconds: float | None
    agreement: float | None
    gold_asked: int
    gold_accuracy: float | None
    on_break_until: float | None
    paused: str | None


@dataclass(frozen=True, slots=True)
class Opinion(Record):
    """One of several answers to a query."""

    labelled_by: str
    label: str


@dataclass(frozen=True, slots=True)
class Dispute(Record):
    """A query that several have answered differently. It waits in ``queue`` for whoever decides."""

    query_id: str
    queue: str
    offered_at: float
    opinions: Sequence[Opinion]
    query: QueryBrief

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """With who said what."""
        opinions = [Opinion.of(one) for one in found["opinions"]]
        brief = QueryBrief.of(found["query"])
        return super(Dispute, cls).of({**found, "opinions": opinions, "query": brief})


@dataclass(frozen=True, slots=True)
class HistoryPoint(Record):
    """The desk from ``at`` on: means, and of ages the greatest."""

    at: float
    backlog: int
    oldest_seconds: float
    live_reviewers: int
    completions_per_second: float


@dataclass(frozen=True, slots=True)
class History(Record):
    """The last hours, a point for every ``step_seconds`` in which somebody looked."""

    step_seconds: int
    target_backlog: int
    points: Sequence[HistoryPoint]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """With each point."""
        points = [HistoryPoint.of(one) for one in found["points"]]
        return super(History, cls).of({**found, "points": points})
