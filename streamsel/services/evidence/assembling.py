"""Puts evidence together from what was found. Pure: every reason for what is missing was given with it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from streamsel.records import Decision, Label, Query
from streamsel.services.evidence.answers import answers_given, label_standing, quality_checks, use
from streamsel.services.evidence.evidence import (
    BudgetThen,
    CapacityThen,
    Evidence,
    Guideline,
    Privacy,
    RuleFired,
)
from streamsel.services.evidence.material import Material


def assemble(material: Material) -> Evidence:
    """Everything that is known, and why the rest is not."""
    decision = material.decision
    asked = decision or material.query
    label = _any_label(material)
    # A label carries what its query had; what neither knows, only the decision did.
    known: Decision | Query | Label | None = asked or label
    conditions = None if decision is None else decision.conditions
    configuration = None if conditions is None else conditions.configuration
    content = _content(material, configuration)
    names = None if content is None else content["labels"]["names"]
    threshold = None if decision is None or math.isinf(decision.threshold) else decision.threshold
    evidence = Evidence(
        query_id=material.query_id,
        event_id=None if known is None else known.event_id,
        source=None if decision is None else str(decision.source),
        traceparent=None if known is None else known.traceparent,
        decided_at=None if known is None else known.decided_at,
        lane=None if known is None else known.lane,
        propensity=None if known is None else known.propensity,
        utility=None if asked is None else asked.utility,
        threshold=threshold,
        probabilities=None if known is None else dict(known.probabilities),
        model_version=None if known is None else known.model_version,
        model=material.model or (None if content is None else content["model"]),
        acquisition_function=None if content is None else content["select"]["strategy"],
        window=None if content is None else content["select"]["window"],
        candidates=None if conditions is None else conditions.candidates,
        rules=None if asked is None else tuple(RuleFired(name, _rule(name, content)) for name in asked.rules),
        budget=_budget(decision),
        capacity=_capacity(decision),
        privacy=_privacy(content),
        configuration=configuration,
        guideline=_guideline(material),
        answers=answers_given(material),
        quality=quality_checks(material),
        used_for=use(material, names),
    )
    return replace(evidence, unknown=dict(_unknown(evidence, material)))


def _any_label(material: Material) -> Label | None:
    if (standing := label_standing(material.records)) is not None:
        return standing[1]
    return next((record for _, record in material.records if isinstance(record, Label)), None)


def _content(material: Material, configuration: str | None) -> Mapping[str, Any] | None:
    known = material.configurations.get(configuration or "")
    return None if known is None else known.content


def _rule(name: str, content: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What a business rule, or a quota, of that name says."""
    if content is None:
        return None
    kind, _, rest = name.partition(":")
    quota = rest.partition(":")[0]
    tables = [one for one in content["select"]["quotas"] if kind == "quota" and one["name"] == quota]
    tables = tables or [one for one in content["select"]["rules"] if one["name"] == name]
    return tables[0] if tables else None


def _budget(decision: Decision | None) -> BudgetThen | None:
    if decision is None or decision.conditions is None:
        return None
    fraction, affordable = decision.query_fraction, decision.conditions.affordable
    return BudgetThen(fraction, affordable, "budget" if fraction >= affordable else "capacity")


def _capacity(decision: Decision | None) -> CapacityThen | None:
    then = None if decision is None else decision.conditions
    if (
        then is None
        or then.backlog is None
        or then.oldest_seconds is None
        or then.live_reviewers is None
        or then.completions_per_second is None
    ):
        return None
    return CapacityThen(then.backlog, then.oldest_seconds, then.live_reviewers, then.completions_per_second)


def _privacy(content: Mapping[str, Any] | None) -> Privacy | None:
    if content is None:
        return None
    stream = content["stream"]
    return Privacy(*(tuple(stream[key]) for key in ("redact", "hash", "lead_only", "exclude")))


def _guideline(material: Material) -> Guideline | None:
    """Of the last answer that stands and whose configuration is known."""
    for answer in reversed(answers_given(material)):
        content = _content(material, answer.configuration)
        if answer.stands and content is not None:
            labels = content["labels"]
            return Guideline(labels["guideline_version"], labels["guideline_url"], labels["guideline"])
    return None


def _unknown(evidence: Evidence, material: Material) -> Iterator[tuple[str, str]]:
    """The reason for each field that is ``None``, and why more answers may be there."""
    particular = dict(_particular_reasons(evidence, material))
    for name in Evidence.__dataclass_fields__:
        if getattr(evidence, name) is None:
            yield name, particular.get(name) or _general_reason(evidence, material)
    if material.no_records:
        yield "answers", material.no_records


def _general_reason(evidence: Evidence, material: Material) -> str:
    if material.decision is None:
        return material.no_decision
    if material.decision.conditions is None:
        return "its decision was made before this was recorded"
    if evidence.configuration is None:
        return "the process that decided recorded no configuration"
    return f"configuration {evidence.configuration} is not in the configurations log"


def _particular_reasons(evidence: Evidence, material: Material) -> Iterator[tuple[str, str]]:
    """Of what is missing for other reasons than that the decision or its configuration is."""
    if material.decision is not None:
        yield "traceparent", "its event came without one"
        yield "threshold", "there was none: events with a rank by rule took the whole share"
        if material.decision.conditions is not None:
            yield "capacity", "nothing was known of the reviewers"
    if not evidence.answers:
        yield "guideline", "no answer is known"
    else:
        yield "guideline", material.no_entries or "no answer that stands names a configuration that is known"
