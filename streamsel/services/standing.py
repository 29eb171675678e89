"""The labels that stand: of each label id the newest revision before an offset, unless it is a retraction.

They are what the model at that offset has learned (see ``learning.fold``), and what is held out; labels that
are none of the configured ones are passed over here as there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from streamsel.codec import Unreadable, decode_log_record
from streamsel.codec.dataset import Columns
from streamsel.learning.ledger import Ledger
from streamsel.ports import LabelLog
from streamsel.records import Label, Retraction
from streamsel.services.audit_reading import records

Watch: TypeAlias = Callable[[int], Callable[[int], None]]
"""Told how many records are to be read, gives what is told how many more are through."""


class OffsetNotThere(Exception):
    """The label log does not reach so far. The message says how far it does."""


class StandingLabels:
    """Those before offset ``at``; ``survey`` them first. Costs about 130 bytes for each label id."""

    def __init__(self, log: LabelLog, at: int, names: Sequence[str], watch: Watch) -> None:
        self.at = at
        self.columns = Columns()
        """Of all labels before ``at``."""
        self.unreadable = 0
        self.unknown = 0
        """Labels that are none of the configured ones."""
        self._label_log = log
        self._names = frozenset(names)
        self._ledger = Ledger()
        self._advance = watch(2 * at)

    async def survey(self) -> None:
        """Reads the log once, to find which labels stand."""
        async for offset, content in records(self._label_log, 0, self.at):
            self._advance(1)
            try:
                record = decode_log_record(content)
            except Unreadable:
                self.unreadable += 1
                continue
            match record:
                case Retraction():
                    self._ledger.note([(offset, record)])
                case Label() if record.label in self._names:
                    self._ledger.note([(offset, _by_revision(record))])
                    self.columns.see(record)
                case Label():
                    self.unknown += 1

    async def labels(self) -> AsyncIterator[tuple[int, Label]]:
        """With their offsets, in the order of the log, which is read again."""
        async for offset, content in records(self._label_log, 0, self.at):
            self._advance(1)
            try:
                record = decode_log_record(content)
            except Unreadable:
                continue
            if not isinstance(record, Label) or record.label not in self._names:
                continue
            if self._ledger.counting(record.label_id) == offset:
                yield offset, record


def _by_revision(label: Label) -> Label:
    """What is held out stands by its revisions as all else does, though no model learns from any of them."""
    return replace(label, lane="none") if label.lane == "holdout" else label


async def standing_labels(
    log: LabelLog, at: int | None, names: Sequence[str], watch: Watch
) -> StandingLabels:
    """Those before offset ``at``, or before the log's end as it is now; ``names`` are all labels there are.
    Raises ``OffsetNotThere``, ``LabelLogUnreachable`` or ``TopicRefused``."""
    end = await log.end()
    if at is not None and at > end:
        raise OffsetNotThere(f"the label log ends at offset {end} and does not reach {at}")
    found = StandingLabels(log, end if at is None else at, names, watch)
    await found.survey()
    return found
