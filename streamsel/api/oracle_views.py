"""Oracles other than people, as leads get them under ``/v1``."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from streamsel.api.views import View
from streamsel.review.oracles import OracleStanding, Terms


class OracleView(View):
    """One oracle: what the label log has of it, beside its terms."""

    name: str = Field(examples=["large"])
    answers: int = Field(description="Ever, those that were only checked with them.", examples=[1_204])
    share: float = Field(description="Of the last 1,000 events labelled.", examples=[0.27])
    cap: float = Field(description="The most that may be.", examples=[0.3])
    checks: int = Field(description="Its last answers that people were asked for as well.", examples=[96])
    agreement: float | None = Field(
        description="Share of these that were the same; null before the first.", examples=[0.96]
    )
    agreement_low: float = Field(description="Of its 95 % interval.", examples=[0.9])
    agreement_high: float = Field(examples=[0.98])
    floor: float = Field(description="Surely below it the oracle is cut off.", examples=[0.9])
    cut_off: bool = Field(description="It answers no more.", examples=[False])

    @classmethod
    def of(cls, standing: OracleStanding, terms: Terms) -> Self:
        """Side by side."""
        return cls(
            name=standing.name,
            answers=standing.answers,
            share=standing.share,
            cap=terms.cap,
            checks=standing.checks,
            agreement=standing.agreement,
            agreement_low=standing.interval.low,
            agreement_high=standing.interval.high,
            floor=terms.floor,
            cut_off=standing.cut_off,
        )
