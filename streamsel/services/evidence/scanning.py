"""Evidence on a query from all the logs, with or without a desk that still has it: for the command."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from streamsel.codec import Unreadable, decode_decision, decode_log_record
from streamsel.learning.course import Course, DirectiveRefused
from streamsel.learning.spec import ModelSpec
from streamsel.ports import LogReader, SourceUnavailable
from streamsel.records import Decision, Directive, Label, LogRecord, Opinion
from streamsel.review.quality import Tally
from streamsel.services.configurations import configurations
from streamsel.services.evidence.assembling import assemble
from streamsel.services.evidence.evidence import Evidence
from streamsel.services.evidence.finding import decision_made_at, entry_on, is_on
from streamsel.services.evidence.material import Material
from streamsel.services.standing import Watch

_RECORDS_A_READ = 500
_READ_SECONDS = 5.0
"""For records that are known to be there."""


@dataclass(frozen=True, slots=True)
class EvidenceLogs:
    """Where to look."""

    labels: LogReader
    decisions: Sequence[LogReader]
    """By partition."""
    audit: LogReader
    configurations: LogReader


async def scan(query_id: str, logs: EvidenceLogs, spec: ModelSpec, watch: Watch) -> Evidence | None:
    """Reads the label log and the audit log, and the decisions where no label tells when to look; ``None``
    when none of them has the query. ``spec`` is the configured model's.

    Raises ``SourceUnavailable``, ``LabelLogUnreachable`` or ``TopicRefused``.
    """
    said = _LabelLog(query_id, spec)
    async for offset, content in _records(logs.labels, watch):
        said.add(offset, content)
    entries = [
        entry async for _, content in _records(logs.audit, watch) if (entry := entry_on(query_id, content))
    ]
    decision = await _decision(query_id, said.decided_at, logs.decisions, watch)
    if decision is None and not said.records and not entries:
        return None
    return assemble(
        Material(
            query_id=query_id,
            decision=decision,
            no_decision=_no_decision(said),
            records=said.records,
            entries=entries,
            no_entries="" if entries else "the audit log has no entry on it",
            configurations={one.configuration_id: one async for one in configurations(logs.configurations)},
            model=said.directed(None if decision is None else decision.model_version),
            qualities=[said.tally.quality(name) for name in said.reviewers],
            counts=said.course.now.counts,
        )
    )


@dataclass(slots=True)
class _LabelLog:
    """What the label log says of a query, of those who answered it, and of what the model learns from."""

    query_id: str
    spec: ModelSpec
    records: list[tuple[int, LogRecord]] = field(default_factory=list)
    tally: Tally = field(init=False)
    course: Course = field(init=False)

    def __post_init__(self) -> None:
        self.tally, self.course = Tally(len(self.spec.labels)), Course(self.spec)

    def add(self, offset: int, content: bytes) -> None:
        try:
            record = decode_log_record(content)
        except Unreadable:
            self.tally.add(None)
            return
        self.tally.add(record)
        if isinstance(record, Directive):
            try:
                self.course.take(offset, record)
            except DirectiveRefused:
                return  # it changes nothing, everywhere alike
        elif is_on(self.query_id, record):
            self.records.append((offset, record))

    @property
    def decided_at(self) -> float | None:
        """When the query was decided, if a label tells."""
        labels = (record for _, record in self.records if isinstance(record, Label))
        return next((label.decided_at for label in labels), None)

    def directed(self, version: int | None) -> Mapping[str, Any] | None:
        """The model at a version, if a directive had put it in force."""
        spec = self.spec if version is None else self.course.at(version).spec
        return None if spec == self.spec else asdict(spec)

    @property
    def reviewers(self) -> Sequence[str]:
        """Who has answered, by name."""
        known = set(self.tally.reviewers)
        return sorted(
            {one.labelled_by for _, one in self.records if isinstance(one, Label | Opinion)} & known
        )


def _no_decision(said: _LabelLog) -> str:
    if any(isinstance(record, Opinion) and record.kind == "gold" for _, record in said.records):
        return "a question whose answer is known is asked without a decision"
    return (
        "no decision to ask it is retained; decisions are kept as long as their topic does, and what "
        "streamsel pool picked has none"
    )


async def _decision(
    query_id: str, at: float | None, partitions: Sequence[LogReader], watch: Watch
) -> Decision | None:
    if at is not None:
        for reader in partitions:
            if (found := await decision_made_at(reader, query_id, at)) is not None:
                return found
    for reader in partitions:
        async for _, content in _records(reader, watch):
            if query_id.encode() not in content:
                continue
            try:
                decision = decode_decision(content)
            except Unreadable:
                continue
            if decision.query is not None and decision.query.query_id == query_id:
                return decision
    return None


async def _records(log: LogReader, watch: Watch) -> AsyncIterator[tuple[int, bytes]]:
    """All that the log holds now."""
    start, end = await log.beginning(), await log.end()
    advance = watch(end - start)
    while start < end:
        read = await log.read(start, min(_RECORDS_A_READ, end - start), _READ_SECONDS)
        if not read:
            raise SourceUnavailable(f"nothing came from offset {start} of a log that ends at {end}")
        for offset, content in read:
            yield offset, content
        advance(read[-1][0] + 1 - start)
        start = read[-1][0] + 1
