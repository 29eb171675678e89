"""Reads what a report is made of: the label log before an offset, and the configurations in force by then."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

from streamsel.codec import Unreadable, decode_log_record
from streamsel.learning.course import Course, DirectiveRefused
from streamsel.learning.spec import ModelSpec
from streamsel.ports import LabelLog, LogReader
from streamsel.records import Directive, Label, LogRecord, Opinion, Retraction
from streamsel.review.quality import Tally
from streamsel.services.audit_reading import records
from streamsel.services.configurations import Configuration, configurations
from streamsel.services.report.assembling import Read, assemble
from streamsel.services.report.contents import Contents
from streamsel.services.report.performance import Performance
from streamsel.services.standing import Watch, standing_labels


async def report(
    labels: LabelLog, configured: LogReader, at: int | None, otherwise: ModelSpec, watch: Watch
) -> dict[str, Any]:
    """Of the records before offset ``at``, or all there are now. ``otherwise`` is the model where no
    configuration was recorded by then.

    Raises ``OffsetNotThere``, ``LabelLogUnreachable``, ``SourceUnavailable`` or ``TopicRefused``.
    """
    by_then = [one async for one in configurations(configured)]
    end = await labels.end() if at is None else at
    # One recorded when the log had reached the offset already had no part in what stands before it. Where
    # something was erased the offsets have changed, and times tell.
    latest = await _time_before(labels, end)
    by_then = [one for one in by_then if one.labels_end < end or one.recorded_at <= latest]
    spec = _spec(by_then[-1]) if by_then else otherwise
    standing = await standing_labels(labels, end, spec.labels, watch)
    counts, tally, course = await _everything(labels, end, spec, watch)
    contents, performance, learned = Contents(), Performance(), 0
    async for offset, label in standing.labels():
        contents.add(label)
        performance.add(label)
        learned += course.now.counts(offset) and label.lane != "holdout"
    return assemble(Read(end, counts, contents, performance, tally, course, learned, by_then))


async def _everything(
    labels: LabelLog, end: int, spec: ModelSpec, watch: Watch
) -> tuple[Counter[str], Tally, Course]:
    """Each record once, standing or not."""
    counts: Counter[str] = Counter()
    tally, course, advance = Tally(len(spec.labels)), Course(spec), watch(end)
    async for offset, content in records(labels, 0, end):
        advance(1)
        try:
            record = decode_log_record(content)
        except Unreadable:
            counts["unreadable"] += 1
            tally.add(None)
            continue
        counts[_kind(record, spec)] += 1
        tally.add(record)
        if isinstance(record, Directive):
            try:
                course.take(offset, record)
            except DirectiveRefused:
                counts["directive refused"] += 1
    return counts, tally, course


async def _time_before(labels: LabelLog, end: int) -> float:
    """Of the last record before an offset; minus infinity where there is none, or it can't be read."""
    async for _, content in records(labels, max(end - 1, 0), min(end, await labels.end())):
        with suppress(Unreadable):
            match decode_log_record(content):
                case Label(labelled_at=at) | Opinion(labelled_at=at):
                    return at
                case Retraction(retracted_at=at):
                    return at
                case Directive(issued_at=at):
                    return at
    return float("-inf")


def _kind(record: LogRecord, spec: ModelSpec) -> str:
    match record:
        case Label() if record.label not in spec.labels:
            return "unknown label"
        case Label() if record.revision > 1:
            return "corrected label"
        case Label():
            return "label"
        case Opinion():
            return f"{record.kind} opinion"
        case Retraction():
            return "retraction"
        case Directive():
            return "directive"


def _spec(configuration: Configuration) -> ModelSpec:
    content = configuration.content
    return ModelSpec(
        labels=tuple(content["labels"]["names"]),
        preset=content["model"]["preset"],
        factory=content["model"]["factory"],
        seed=content["model"]["seed"],
        text=content["stream"]["text"],
        copies=content["model"]["copies"],
    )
