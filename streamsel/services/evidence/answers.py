"""The answers to a query: which stand, who gave them in which role, how sure the label is, what it served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from streamsel.records import Label, LogRecord, Opinion, Retraction
from streamsel.review.audit import Entry
from streamsel.services.evidence.evidence import AnswerGiven, QualityChecks, Use
from streamsel.services.evidence.material import Material

_ACTS = ("labelled", "corrected")


def label_standing(records: Sequence[tuple[int, LogRecord]]) -> tuple[int, Label] | None:
    """The label that counts, with its offset."""
    for offset, record in _standing(records).values():
        if isinstance(record, Label):
            return offset, record
    return None


def answers_given(material: Material) -> tuple[AnswerGiven, ...]:
    """Every answer, in the order of the log."""
    standing = {offset for offset, _ in _standing(material.records).values()}
    given = []
    for offset, record in material.records:
        if not isinstance(record, Label | Opinion | Retraction):
            continue
        entry = _entry(record, material.entries)
        configuration = None if entry is None else entry.detail.get("configuration")
        given.append(
            AnswerGiven(
                offset=offset,
                kind=_kind(record),
                source=_source(record),
                label=None if isinstance(record, Retraction) else record.label,
                by=record.retracted_by if isinstance(record, Retraction) else record.labelled_by,
                role=None if entry is None else entry.role,
                at=_at(record),
                seconds=None if isinstance(record, Retraction) else record.seconds,
                revision=record.revision,
                stands=offset in standing and not isinstance(record, Retraction),
                configuration=configuration,
                guideline_version=_guideline_version(material, configuration),
            )
        )
    return tuple(given)


def quality_checks(material: Material) -> QualityChecks:
    """From what stands."""
    standing = [record for _, record in _standing(material.records).values()]
    label = next((one for one in standing if isinstance(one, Label)), None)
    opinions = [one for one in standing if isinstance(one, Opinion) and one.kind == "overlap"]
    agreeing = 0 if label is None else sum(one.label == label.label for one in opinions)
    return QualityChecks(_resolution(label, standing), len(opinions), agreeing, tuple(material.qualities))


def use(material: Material, label_names: Sequence[str] | None) -> Use:
    """Training: its label stands, is one of the model's and is neither held out nor left out by a directive.
    Evaluation: it could be drawn with a known probability, and something was predicted before."""
    found = label_standing(material.records)
    if found is None:
        why = "no label of it stands in the label log"
        return Use(False, False, (f"training: no, {why}", f"evaluation: no, {why}"))
    offset, label = found
    training = _not_trained(label, offset, material, label_names)
    evaluation = _not_evaluated(label)
    return Use(
        training=not training,
        evaluation=not evaluation,
        reasons=(
            f"training: no, {training}"
            if training
            else f"training: yes, its label stands at offset {offset} of the label log",
            f"evaluation: no, {evaluation}"
            if evaluation
            else f"evaluation: yes, with propensity {label.propensity:g} and what was predicted when it was "
            "decided",
        ),
    )


def _not_trained(label: Label, offset: int, material: Material, names: Sequence[str] | None) -> str:
    if label.lane == "holdout":
        return "it is held out"
    if names is not None and label.label not in names:
        return f"'{label.label}' is none of the labels configured"
    if not material.counts(offset):
        return "a directive in the label log leaves it out: the model was frozen or rolled back"
    return ""


def _not_evaluated(label: Label) -> str:
    if label.propensity <= 0.0:
        return "it was not drawn from the stream with a known probability"
    if not label.probabilities:
        return "nothing was predicted when it was decided"
    return ""


def _standing(records: Sequence[tuple[int, LogRecord]]) -> Mapping[str, tuple[int, LogRecord]]:
    """By label id: the first record of its newest revision."""
    newest: dict[str, tuple[int, LogRecord]] = {}
    for offset, record in records:
        if not isinstance(record, Label | Opinion | Retraction):
            continue
        known = newest.get(record.label_id)
        if known is None or record.revision > _revision(known[1]):
            newest[record.label_id] = offset, record
    return newest


def _resolution(label: Label | None, standing: Sequence[LogRecord]) -> str:
    opinions = [one for one in standing if isinstance(one, Opinion)]
    gold = [one for one in opinions if one.kind == "gold"]
    overlap = [one for one in opinions if one.kind == "overlap"]
    if gold:
        right = sum(one.label == one.expected for one in gold)
        return f"a question whose answer is known; {right} of {len(gold)} answers were right"
    if label is None:
        if overlap and len(overlap) >= overlap[0].slots:
            return f"{len(overlap)} opinions that are not agreed on"
        return f"{len(overlap)} of {overlap[0].slots} opinions" if overlap else "no answer that stands"
    if label.source == "consensus":
        return f"{len(overlap)} opinions that are agreed on"
    if overlap:
        return f"decided by {label.labelled_by} after {len(overlap)} opinions"
    if label.source == "reviewer":
        return "one reviewer's answer"
    return f"an answer of source {label.source}"


def _entry(record: Label | Opinion | Retraction, entries: Sequence[Entry]) -> Entry | None:
    """Who acted, as the audit log has it: the first entry after the record by the same name."""
    if isinstance(record, Retraction):
        return None
    later = (
        entry
        for entry in entries
        if entry.action in _ACTS
        and entry.who == record.labelled_by
        and entry.detail.get("label") == record.label
        and datetime.fromisoformat(entry.at).timestamp() >= record.labelled_at - 1e-6
    )
    return min(later, key=lambda entry: entry.at, default=None)


def _guideline_version(material: Material, configuration: str | None) -> str | None:
    known = material.configurations.get(configuration or "")
    return None if known is None else known.content["labels"]["guideline_version"]


def _kind(record: Label | Opinion | Retraction) -> str:
    match record:
        case Label():
            return "label"
        case Retraction():
            return "retraction"
        case Opinion():
            return record.kind


def _source(record: Label | Opinion | Retraction) -> str:
    if isinstance(record, Label):
        return record.source
    return "oracle" if isinstance(record, Opinion) and record.kind == "oracle" else "reviewer"


def _at(record: Label | Opinion | Retraction) -> float:
    return record.retracted_at if isinstance(record, Retraction) else record.labelled_at


def _revision(record: LogRecord) -> int:
    return record.revision if isinstance(record, Label | Opinion | Retraction) else 0
