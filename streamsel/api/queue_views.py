"""The desk at a glance, and the labels to choose from, under ``/v1``."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from streamsel.api.views import View
from streamsel.ports import QueueStatus
from streamsel.review.disclosure import counts_shown


class QueueFigures(View):
    """One queue."""

    waiting: int = Field(examples=[12])
    oldest_seconds: float = Field(examples=[38.5])
    overdue: int = Field(
        description="Waiting or in hand beyond the time in which they were to be answered.", examples=[0]
    )


class QueueView(View):
    """The desk at a glance."""

    waiting: dict[str, int] = Field(
        description="By lane; what is held out is among explore.", examples=[{"uncertain": 9, "explore": 3}]
    )
    leased: dict[str, int] = Field(description="As waiting.", examples=[{"uncertain": 4, "explore": 1}])
    backlog: int = Field(description="Waiting and leased together.", examples=[17])
    target_backlog: int = Field(description="What the capacity control steers to.", examples=[20])
    oldest_seconds: float = Field(examples=[38.5])
    live_reviewers: int = Field(examples=[5])
    completions_per_second: float = Field(examples=[0.21])
    mean_review_seconds: float | None = Field(examples=[23.8])
    expired_total: int = Field(examples=[2])
    dead_total: int = Field(examples=[0])
    disputed: int = Field(description="Queries whose opinions do not agree.", examples=[1])
    queues: dict[str, QueueFigures] = Field(
        description="By queue.", examples=[{"default": {"waiting": 12, "oldest_seconds": 38.5, "overdue": 0}}]
    )

    @classmethod
    def of(cls, status: QueueStatus, target_backlog: int) -> Self:
        """With the backlog summed up beside its target."""
        return cls(
            waiting=counts_shown(status.waiting),
            leased=counts_shown(status.leased),
            backlog=sum(status.waiting.values()) + sum(status.leased.values()),
            target_backlog=target_backlog,
            oldest_seconds=status.oldest_seconds,
            live_reviewers=status.live_reviewers,
            completions_per_second=status.completions_per_second,
            mean_review_seconds=status.mean_review_seconds,
            expired_total=status.expired_total,
            dead_total=status.dead_total,
            disputed=status.disputed,
            queues={
                name: QueueFigures(
                    waiting=one.waiting, oldest_seconds=one.oldest_seconds, overdue=one.overdue
                )
                for name, one in status.queues.items()
            },
        )


class LabelChoice(View):
    """One answer a reviewer can give."""

    name: str = Field(examples=["fraud"])
    guideline: str = Field(description="What it means.", examples=["The cardholder did not make it."])
    examples: list[str] = Field(examples=[["Three countries in an hour"]])


class LabelChoices(View):
    """The answers, in the order of the buttons."""

    labels: list[LabelChoice]
    guideline_url: str | None = Field(
        description="Where the whole guideline is.", examples=["https://wiki.example/fraud-guideline"]
    )
    guideline_version: str | None = Field(description="The version in force.", examples=["2026-11"])
