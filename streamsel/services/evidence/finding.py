"""Evidence on a query that the desk still has, at a bounded cost: for the API.

The desk knows when it was decided and where its answers stand in the label log. The decision and the audit
entries are looked for at their times, by bisection; only ``scanning`` reads everything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from streamsel.codec import Unreadable, decode_decision, decode_log_record
from streamsel.ports import LogReader, QueryView
from streamsel.records import Decision, Label, LogRecord, Opinion, Retraction
from streamsel.review.audit import Entry, NotAnEntry, decode
from streamsel.review.quality import ReviewerQuality
from streamsel.services.configurations import configurations
from streamsel.services.desk import Desk
from streamsel.services.evidence.assembling import assemble
from streamsel.services.evidence.evidence import Evidence
from streamsel.services.evidence.material import Material
from streamsel.services.evidence.seeking import since

MOST_DECISIONS = 5_000
"""Read of a partition: more than two of the largest micro-batches, whose decisions are of one moment."""
MOST_ENTRIES = 2_000
"""Read of the audit log for each answer."""
AUDITED_WITHIN = 60.0
"""Seconds after an answer in which its entry is looked for."""
_BEFORE = 1.0
"""Seconds by which clocks may differ."""

_ELSEWHERE = "the command streamsel evidence reads all that is retained"
_STANDING_ALONE = (
    "only answers that stand were looked up, and not those replaced, taken back or given too late, nor "
    f"directives that leave labels out: {_ELSEWHERE}"
)
_NO_ENTRY = f"the audit log has no entry within {AUDITED_WITHIN:g} seconds after its answers: {_ELSEWHERE}"


class EvidenceFinder:
    """Looks in the logs of a running desk."""

    def __init__(
        self,
        desk: Desk,
        labels: LogReader,
        decisions: Sequence[LogReader],
        audit: LogReader,
        configurations: LogReader,
    ) -> None:
        """``decisions``: one log for each partition."""
        self._desk = desk
        self._labels = labels
        self._decisions = decisions
        self._audit = audit
        self._configurations = configurations

    async def find(self, query_id: str) -> Evidence:
        """Raises ``UnknownQuery`` when the desk has it no more, ``DeskUnreachable``, ``LabelLogUnreachable``
        and ``SourceUnavailable``."""
        view = await self._desk.view(query_id)
        decision = await self._decision(view)
        records = [one async for one in self._records(view)]
        entries = [entry for _, record in records async for entry in self._entries(query_id, record)]
        return assemble(
            Material(
                query_id=query_id,
                query=view.query,
                decision=decision,
                no_decision=(
                    "" if decision else f"its decision was not found at the time it was made: {_ELSEWHERE}"
                ),
                records=records,
                no_records=_STANDING_ALONE,
                entries=entries,
                no_entries=_NO_ENTRY if records and not entries else "",
                configurations={
                    one.configuration_id: one async for one in configurations(self._configurations)
                },
                qualities=await self._qualities(records),
            )
        )

    async def _decision(self, view: QueryView) -> Decision | None:
        for reader in self._decisions:
            found = await decision_made_at(reader, view.query.query_id, view.query.decided_at)
            if found is not None:
                return found
        return None

    async def _records(self, view: QueryView) -> AsyncIterator[tuple[int, LogRecord]]:
        """What the store knows the offsets of."""
        answers = [view.answer, *(slot.answer for slot in view.slots)]
        for offset in sorted({answer.offset for answer in answers if answer is not None}):
            for found, content in await self._labels.read(offset, 1, 1.0):
                record = decode_log_record(content)
                if found == offset and is_on(view.query.query_id, record):
                    yield offset, record

    async def _entries(self, query_id: str, record: LogRecord) -> AsyncIterator[Entry]:
        if not isinstance(record, Label | Opinion):
            return
        left, until = MOST_ENTRIES, record.labelled_at + AUDITED_WITHIN
        async for _, content in since(self._audit, _noted_at, record.labelled_at - _BEFORE):
            left -= 1
            if (entry := entry_on(query_id, content)) is not None:
                yield entry
            if left == 0 or _after(until, content):
                return

    async def _qualities(self, records: Sequence[tuple[int, LogRecord]]) -> list[ReviewerQuality]:
        names = {one.labelled_by for _, one in records if isinstance(one, Label | Opinion)}
        return [
            standing.quality for standing in await self._desk.reviewers() if standing.activity.name in names
        ]


async def decision_made_at(log: LogReader, query_id: str, at: float) -> Decision | None:
    """The decision to ask a query, if it is among those of one partition made then."""
    left = MOST_DECISIONS
    async for _, content in since(log, _decided_at, at):
        left -= 1
        try:
            decision = decode_decision(content)
        except Unreadable:
            continue
        if left <= 0 or decision.decided_at > at:
            return None
        if decision.query is not None and decision.query.query_id == query_id:
            return decision
    return None


def is_on(query_id: str, record: LogRecord) -> bool:
    """Whether a record of the label log is about this query."""
    match record:
        case Label() | Opinion():
            return record.query_id == query_id
        case Retraction():
            return record.label_id.partition("~")[0] == query_id
    return False


def entry_on(query_id: str, content: bytes) -> Entry | None:
    """An entry of the audit log, if it is about this query."""
    if query_id.encode() not in content:
        return None  # most are not, and reading one takes its time
    try:
        entry = decode(content)
    except NotAnEntry:
        return None
    return entry if entry.query_id == query_id else None


def _decided_at(content: bytes) -> float:
    return decode_decision(content).decided_at


def _noted_at(content: bytes) -> float:
    return datetime.fromisoformat(decode(content).at).timestamp()


def _after(moment: float, content: bytes) -> bool:
    try:
        return _noted_at(content) > moment
    except NotAnEntry:
        return False
