"""Queries as they are looked up and listed, typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from streamsel.client.records import Answer, Query, Record


@dataclass(frozen=True, slots=True)
class QueryState(Record):
    """A query and where it stands. ``answer`` is the one that counts; ``opinions`` came too late to."""

    query_id: str
    state: str
    queue: str
    fence: int
    attempts: int
    offered_at: float | None
    reason: str
    answer: Answer | None
    opinions: Sequence[Mapping[str, str]]
    query: Query

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """With its answer, if there is one, and its query."""
        answer = None if found["answer"] is None else Answer.of(found["answer"])
        return super(QueryState, cls).of({**found, "answer": answer, "query": Query.of(found["query"])})


@dataclass(frozen=True, slots=True)
class QueryBrief(Record):
    """What an event is called, and why it was sent."""

    event_id: str
    lane: str
    rules: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class ListedQuery(Record):
    """A query in a list: who has it in hand, and its label, if there is one."""

    query_id: str
    state: str
    queue: str
    holders: Sequence[str]
    attempts: int
    offered_at: float
    label: str | None
    query: QueryBrief

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """With its event's name."""
        return super(ListedQuery, cls).of({**found, "query": QueryBrief.of(found["query"])})


@dataclass(frozen=True, slots=True)
class QueryPage(Record):
    """Some of many; ``next_cursor`` is ``None`` on the last page."""

    items: Sequence[ListedQuery]
    next_cursor: str | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """With each query."""
        return cls([ListedQuery.of(one) for one in found["items"]], found["next_cursor"])
