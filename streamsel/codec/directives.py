"""Directives of the label log as JSON: one object, whose fields follow from the action."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast, get_args

import orjson

from streamsel.codec.fields import VERSION, Fields
from streamsel.records import Directive, DirectiveAction, ModelChoice, PromotionMetric, PromotionRule

ACTIONS: tuple[DirectiveAction, ...] = get_args(DirectiveAction)
METRICS: tuple[PromotionMetric, ...] = get_args(PromotionMetric)


def encode_directive(directive: Directive) -> bytes:
    """With what its action needs."""
    fields: dict[str, Any] = {
        "kind": "directive",
        "v": VERSION,
        "directive_id": directive.directive_id,
        "action": directive.action,
        "issued_by": directive.issued_by,
        "issued_at": directive.issued_at,
        "reason": directive.reason,
    }
    if directive.model is not None:
        fields |= asdict(directive.model)
    if directive.rule is not None:
        fields |= asdict(directive.rule)
    if directive.challenge is not None:
        fields["challenge"] = directive.challenge
    if directive.version is not None:
        fields["version"] = directive.version
    if directive.evidence:
        fields["evidence"] = dict(directive.evidence)
    return orjson.dumps(fields)


def directive_of(fields: Fields) -> Directive:
    """Raises ``Unreadable`` naming the field."""
    return Directive(
        directive_id=fields.text("directive_id"),
        action=cast(DirectiveAction, fields.one_of("action", ACTIONS)),
        issued_by=fields.text("issued_by"),
        issued_at=fields.number("issued_at"),
        reason=fields.text("reason", ""),
        model=_model(fields) if fields.has("preset") else None,
        rule=_rule(fields) if fields.has("metric") else None,
        challenge=fields.optional_text("challenge"),
        version=fields.integer("version") if fields.has("version") else None,
        evidence=fields.numbers("evidence"),
    )


def _model(fields: Fields) -> ModelChoice:
    return ModelChoice(
        preset=fields.text("preset"), seed=fields.integer("seed", 1), copies=fields.integer("copies", 0)
    )


def _rule(fields: Fields) -> PromotionRule:
    return PromotionRule(
        metric=cast(PromotionMetric, fields.one_of("metric", METRICS)),
        least_labels=fields.integer("least_labels", 100),
        margin=fields.number("margin", 0.0),
        error_rate=fields.number("error_rate", 0.05),
    )
