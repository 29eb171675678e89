"""What admins send to change the model."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from streamsel.api.bodies import Reason, whole
from streamsel.learning.spec import MOST_COPIES
from streamsel.records import Directive, DirectiveAction, ModelChoice, PromotionMetric, PromotionRule

_LARGEST = 2**53 - 1
Whole = Annotated[int, BeforeValidator(whole)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ModelRequest(_Part):
    """A model by its preset. A factory is code, and can only be configured."""

    preset: str = Field(min_length=1, max_length=100, examples=["tree"])
    seed: Whole = Field(1, ge=0, le=_LARGEST)
    copies: Whole = Field(0, ge=0, le=MOST_COPIES)


class RuleRequest(_Part):
    """When a challenger is to be promoted."""

    metric: PromotionMetric = Field("log_loss", description="What the two are compared by.")
    least_labels: Whole = Field(
        100, ge=1, le=_LARGEST, description="Compared explore labels before which nothing is decided."
    )
    margin: float = Field(
        0.0, ge=0.0, lt=1.0, description="Share of right answers, or nats, it must be better by."
    )
    error_rate: float = Field(
        0.05, gt=0.0, lt=1.0, description="Most likely one that is no better is promoted, ever."
    )


class DirectiveRequest(_Part):
    """What is to become of the model. The action says which of the other fields it needs."""

    action: DirectiveAction = Field(examples=["challenge"])
    reason: Reason
    model: ModelRequest | None = Field(None, description="Of set_spec and challenge.")
    rule: RuleRequest | None = Field(None, description="Of challenge.")
    challenge: str | None = Field(
        None, min_length=1, max_length=255, description="Of promote and withdraw.", examples=[None]
    )
    version: Whole | None = Field(None, ge=0, le=_LARGEST, description="Of roll_back.", examples=[None])

    def directive(self, directive_id: str, issued_by: str, issued_at: float) -> Directive:
        """As the label log takes it."""
        return Directive(
            directive_id=directive_id,
            action=self.action,
            issued_by=issued_by,
            issued_at=issued_at,
            reason=self.reason,
            model=None if self.model is None else ModelChoice(**self.model.model_dump()),
            rule=None if self.rule is None else PromotionRule(**self.rule.model_dump()),
            challenge=self.challenge,
            version=self.version,
        )
