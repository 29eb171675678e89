"""What oracles say as records of the label log."""

from __future__ import annotations

from dataclasses import replace

from streamsel.codec.outcomes import Outcome
from streamsel.records import Label, LabelSource, Opinion, Query


def label_of(
    query: Query, label: str, source: LabelSource, name: str, now: float, revision: int = 1
) -> Label:
    """An oracle's label of a query. Whatever lane that was in, the label is no evidence about the stream."""
    return Label(
        label_id=query.query_id,
        revision=revision,
        event_id=query.event_id,
        label=label,
        source=source,
        labelled_by=name,
        labelled_at=now,
        features=query.features,
        query_id=query.query_id,
        lane="none",
        propensity=0.0,
        probabilities=query.probabilities,
        model_version=query.model_version,
        decided_at=query.decided_at,
        segments=query.segments,
        traceparent=query.traceparent,
    )


def label_unasked(
    outcome: Outcome, label_id: str, name: str, now: float, revision: int, *, held_out: bool
) -> Label:
    """Of an event nobody was asked about, as far as is known; ``held_out`` keeps models from learning it.
    Raises ``ValueError`` for an outcome without features."""
    if outcome.features is None:
        raise ValueError(f"the outcome of event {outcome.event_id} has no features")
    return Label(
        label_id=label_id,
        revision=revision,
        event_id=outcome.event_id,
        label=outcome.label,
        source="outcome",
        labelled_by=name,
        labelled_at=now,
        features=outcome.features,
        lane="holdout" if held_out else "none",
        segments=outcome.segments,
    )


def corrected(standing: Label, label: str, source: LabelSource, name: str, now: float) -> Label:
    """The next revision of a label that stands. How its event was drawn stays: were it forgotten, what is
    evidence about the stream would depend on what became of it."""
    return replace(
        standing,
        revision=standing.revision + 1,
        label=label,
        source=source,
        labelled_by=name,
        labelled_at=now,
        seconds=None,
    )


def opinion_of(query_id: str, event_id: str, label: str, name: str, now: float, revision: int = 1) -> Opinion:
    """An oracle's answer that is not the label."""
    return Opinion(query_id, event_id, label, name, now, "oracle", revision=revision)
