"""What reviewers answer as records of the label log, and what its records say to the desk's store."""

from __future__ import annotations

from dataclasses import replace

from streamsel.ports import Answer, QueryView, Recording, Retracted
from streamsel.records import Directive, Label, LogRecord, Opinion, Query, Retraction
from streamsel.review.consensus import Resolution


def answered(recording: Recording, label: str, reviewer: str, now: float) -> Label | Opinion:
    """The answer that is being recorded: a label, or one opinion of several or on gold."""
    query = recording.query
    seconds = recording.review_seconds
    if recording.kind == "label":
        return replace(_label(query, label, recording.revision, now), labelled_by=reviewer, seconds=seconds)
    return Opinion(
        query_id=query.query_id,
        event_id=query.event_id,
        label=label,
        labelled_by=reviewer,
        labelled_at=now,
        kind=recording.kind,
        slot=recording.slot,
        slots=recording.slots,
        seconds=seconds,
        expected=recording.expected,
        revision=recording.revision,
    )


def too_late(query: Query, label: str, reviewer: str, now: float) -> Opinion:
    """An answer after another counted."""
    return Opinion(query.query_id, query.event_id, label, reviewer, now, "late")


def resolved(view: QueryView, resolution: Resolution, now: float) -> Label:
    """What several agreed on. Raises ``ValueError`` if they did not."""
    if resolution.label is None:
        raise ValueError(f"query {view.query.query_id} is not agreed on")
    label = _label(view.query, resolution.label, view.revision + 1, now)
    return replace(label, source="consensus", labelled_by=resolution.labelled_by)


def corrected(
    view: QueryView, standing: Answer, expected: str | None, label: str, reviewer: str, now: float
) -> Label | Opinion:
    """The next revision of an answer that stands; ``expected`` is the known answer to a gold question."""
    revision = standing.revision + 1
    if standing.kind == "label":
        return replace(_label(view.query, label, revision, now), labelled_by=reviewer)
    return Opinion(
        query_id=standing.query_id,
        event_id=view.query.event_id,
        label=label,
        labelled_by=reviewer,
        labelled_at=now,
        kind=standing.kind,
        slot=standing.slot,
        slots=view.asked,
        expected=expected,
        revision=revision,
    )


def _label(query: Query, label: str, revision: int, now: float) -> Label:
    """Self-contained, so that the model can be rebuilt from the log."""
    return Label(
        label_id=query.query_id,
        revision=revision,
        event_id=query.event_id,
        label=label,
        source="reviewer",
        labelled_by="",
        labelled_at=now,
        features=query.features,
        query_id=query.query_id,
        lane=query.lane,
        propensity=query.propensity,
        probabilities=query.probabilities,
        model_version=query.model_version,
        decided_at=query.decided_at,
        segments=query.segments,
        traceparent=query.traceparent,
    )


def answer_of(record: Label | Opinion, offset: int) -> Answer:
    """What the desk's record at ``offset`` says to the store. Raises ``ValueError`` for an oracle's
    opinion."""
    if isinstance(record, Label):
        return Answer(record.label_id, record.label, record.labelled_by, offset, record.revision)
    if record.kind == "oracle":
        raise ValueError("an oracle's opinion fills no slot of the desk")
    return Answer(
        record.query_id, record.label, record.labelled_by, offset, record.revision, record.kind, record.slot
    )


def word_of(record: LogRecord, offset: int) -> Answer | Retracted | None:
    """What any record at ``offset`` says to the store; nothing if it is about no query, as a seed is, or not
    for reviewers to see, as what an oracle thinks."""
    match record:
        case Retraction():
            return Retracted(record.label_id, record.revision, offset)
        case Directive() | Label(query_id=None) | Opinion(kind="oracle"):
            return None
    return answer_of(record, offset)
