"""Directives as they are told."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Self

from pydantic import Field

from streamsel.api.views import View
from streamsel.learning.course import InForce
from streamsel.records import DirectiveAction
from streamsel.services.directing import Directing, Given


class DirectiveView(View):
    """One directive in the label log."""

    directive_id: str = Field(examples=["b6f0b3f1c9d24a57"])
    offset: int = Field(description="In the label log; it is obeyed from the next record on.", examples=[412])
    action: DirectiveAction = Field(examples=["challenge"])
    issued_by: str = Field(examples=["ana"])
    issued_at: float = Field(description="Seconds since 1970.", examples=[1_700_000_000.0])
    reason: str = Field(examples=["Trees may suit the new merchants."])
    details: dict[str, Any] = Field(
        description="The model, rule, challenge or version it names.", examples=[{"preset": "tree"}]
    )
    evidence: dict[str, float] = Field(
        description="Of a promotion by rule: what decided it.", examples=[{"labels": 212.0, "wealth": 20.4}]
    )
    refused: str = Field(description="Why it changes nothing; empty if it does.", examples=[""])

    @classmethod
    def of(cls, given: Given) -> Self:
        """As it stands in the log."""
        directive = given.directive
        named = {"challenge": directive.challenge, "version": directive.version}
        details: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        for part in (directive.model, directive.rule):
            details |= {} if part is None else asdict(part)
        return cls(
            directive_id=directive.directive_id,
            offset=given.offset,
            action=directive.action,
            issued_by=directive.issued_by,
            issued_at=directive.issued_at,
            reason=directive.reason,
            details=details,
            evidence=dict(directive.evidence),
            refused=given.refused,
        )


class CourseView(View):
    """What is in force, and how it came to be."""

    champion: dict[str, Any] = Field(examples=[{"preset": "logistic", "seed": 1}])
    frozen: bool = Field(examples=[False])
    gaps: list[tuple[int, int | None]] = Field(
        description="Offsets whose records do not count: from, and up to before.", examples=[[[300, 412]]]
    )
    challengers: dict[str, dict[str, Any]] = Field(
        description="By the id of the directive that was the challenge.",
        examples=[{"b6f0b3f1c9d24a57": {"preset": "tree", "since": 413}}],
    )
    directives: list[DirectiveView]

    @classmethod
    def of(cls, directing: Directing) -> Self:
        """As far as was read."""
        now: InForce = directing.course.now
        return cls(
            champion=asdict(now.spec),
            frozen=now.frozen,
            gaps=[(gap.start, gap.stop) for gap in now.gaps],
            challengers={
                name: asdict(one.spec) | asdict(one.rule) | {"since": one.since}
                for name, one in now.challenges.items()
            },
            directives=[DirectiveView.of(given) for given in directing.given],
        )
