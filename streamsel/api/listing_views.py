"""Queries in lists under ``/v1``: enough to find one, and nothing of its event's fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from streamsel.api.views import View, shown_rules
from streamsel.ports import Page, QueryView
from streamsel.records import Lane, Query
from streamsel.review.disclosure import lane_shown
from streamsel.review.lifecycle import State

_QUERY_ID = "9f2c4e1ab3d05c77"


class QueryBrief(View):
    """What an event is called, and why it was sent."""

    event_id: str = Field(examples=["tx-20931"])
    lane: Lane = Field(
        description="What is held out shows as explore wherever rules are hidden.", examples=["uncertain"]
    )
    rules: list[str] | None = Field(
        description="Rules and quotas that had a say. Hidden along with what the model thinks.",
        examples=[["large amounts"]],
    )

    @classmethod
    def of(cls, query: Query, unseen: Sequence[str], *, told: bool) -> Self:
        """For somebody who may not see the fields ``unseen``; see ``shown_rules``."""
        rules = shown_rules(query, unseen, told=told)
        lane = query.lane if told else lane_shown(query)
        return cls(event_id=query.event_id, lane=lane, rules=rules)


class ListedQuery(View):
    """A query in a list."""

    query_id: str = Field(examples=[_QUERY_ID])
    state: State = Field(examples=[State.WAITING])
    queue: str = Field(examples=["default"])
    holders: list[str] = Field(
        description="Who has it in hand; of a query that several are asked, also while it waits for others.",
        examples=[["ana"]],
    )
    attempts: int = Field(examples=[1])
    offered_at: float = Field(description="In seconds since 1970.", examples=[1767225601.5])
    label: str | None = Field(description="The answer that counts.", examples=["fraud"])
    query: QueryBrief

    @classmethod
    def of(cls, view: QueryView, unseen: Sequence[str], *, leads: bool) -> Self:
        """For a lead or another, who may not see the fields ``unseen``."""
        return cls(
            query_id=view.query.query_id,
            state=view.state,
            queue=view.queue,
            holders=[slot.holder for slot in view.slots if slot.state in (State.LEASED, State.RECORDING)],
            attempts=view.attempts,
            offered_at=view.offered_at,
            label=None if view.answer is None else view.answer.label,
            query=QueryBrief.of(view.query, unseen, told=leads and view.answer is not None),
        )


class QueryPage(View):
    """Some of many."""

    items: list[ListedQuery]
    next_cursor: str | None = Field(
        description="To be sent as ``cursor`` for the next page; null on the last one.",
        examples=["bGVhc2VzIDAg"],
    )

    @classmethod
    def of(cls, page: Page, unseen: Sequence[str], *, leads: bool) -> Self:
        """For a lead or another, who may not see the fields ``unseen``."""
        items = [ListedQuery.of(view, unseen, leads=leads) for view in page.queries]
        return cls(items=items, next_cursor=page.next_cursor)
