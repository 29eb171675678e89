"""What leads get under ``/v1``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from streamsel.api.listing_views import QueryBrief
from streamsel.api.views import View
from streamsel.ports import QueryView
from streamsel.ports.history import Sample
from streamsel.services.desk import ReviewerStanding


class HistoryPoint(View):
    """The desk over ``step_seconds``: means, and of ages the greatest."""

    at: float = Field(description="When that began, in seconds since 1970.", examples=[1767225600.0])
    backlog: int = Field(examples=[17])
    oldest_seconds: float = Field(examples=[38.5])
    live_reviewers: int = Field(examples=[5])
    completions_per_second: float = Field(examples=[0.21])


class HistoryView(View):
    """The last hours, in order; times without a point are times nobody looked."""

    step_seconds: int = Field(description="What one point stands for.", examples=[80])
    target_backlog: int = Field(description="What the capacity control steers to.", examples=[20])
    points: list[HistoryPoint]

    @classmethod
    def of(cls, step_seconds: int, target_backlog: int, samples: Sequence[Sample]) -> Self:
        """With the target beside them."""
        return cls(
            step_seconds=step_seconds,
            target_backlog=target_backlog,
            points=[
                HistoryPoint(
                    at=one.at,
                    backlog=one.backlog,
                    oldest_seconds=one.oldest_seconds,
                    live_reviewers=one.live_reviewers,
                    completions_per_second=one.completions_per_second,
                )
                for one in samples
            ],
        )


class ReviewerView(View):
    """One reviewer; figures are null where there is nothing to tell from."""

    name: str = Field(examples=["ana"])
    live: bool = Field(description="At work now.", examples=[True])
    last_seen_at: float = Field(description="In seconds since 1970.", examples=[1767225644.5])
    held: int = Field(description="Claims in hand.", examples=[1])
    answered: int = Field(description="Answers ever given.", examples=[412])
    answered_per_hour: float = Field(description="In the last hour.", examples=[97.0])
    median_seconds: float | None = Field(description="From claim to answer.", examples=[21.5])
    agreement: float | None = Field(
        description="With others' answers to the same queries, as a share.", examples=[0.93]
    )
    gold_asked: int = Field(description="Questions with known answers.", examples=[20])
    gold_accuracy: float | None = Field(description="Share of those that were right.", examples=[0.95])
    on_break_until: float | None = Field(examples=[None])
    paused: str | None = Field(description="Why no claims are given; null: they are.", examples=[None])

    @classmethod
    def of(cls, standing: ReviewerStanding) -> Self:
        """What the desk's store and the label log know together."""
        activity, quality = standing.activity, standing.quality
        return cls(
            name=activity.name,
            live=activity.live,
            last_seen_at=activity.last_seen_at,
            held=activity.held,
            answered=quality.answered,
            answered_per_hour=standing.answers_an_hour,
            median_seconds=quality.median_seconds,
            agreement=quality.agreement,
            gold_asked=quality.gold_asked,
            gold_accuracy=quality.gold_accuracy,
            on_break_until=activity.on_break_until,
            paused=activity.paused,
        )


class OpinionView(View):
    """One of several answers to a query."""

    labelled_by: str = Field(examples=["ana"])
    label: str = Field(examples=["fraud"])


class DisputeView(View):
    """A query whose opinions do not agree, and that nobody has decided yet."""

    query_id: str = Field(examples=["9f2c4e1ab3d05c77"])
    queue: str = Field(description="Where it waits for the one who decides.", examples=["escalated"])
    offered_at: float = Field(description="In seconds since 1970.", examples=[1767225601.5])
    opinions: list[OpinionView]
    query: QueryBrief

    @classmethod
    def of(cls, view: QueryView) -> Self:
        """With who said what, in the order of the slots."""
        opinions = [slot.answer for slot in view.slots[: view.asked] if slot.answer is not None]
        return cls(
            query_id=view.query.query_id,
            queue=view.queue,
            offered_at=view.offered_at,
            opinions=[OpinionView(labelled_by=one.labelled_by, label=one.label) for one in opinions],
            query=QueryBrief.of(view.query, (), told=True),
        )


class Reassigned(View):
    """A query that is back in its queue."""

    taken_from: list[str] = Field(description="Who had it in hand; may be none.", examples=[["ana"]])
