"""What leads get under ``/v1``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from streamsel.api.views import View
from streamsel.ports.history import Sample


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
