"""Reading decisions and labels as they are written, for the comparison and the live picture."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Sequence

import numpy as np

from streamsel.codec import decode_decision, decode_log_record
from streamsel.demo.comparison import Comparison
from streamsel.ports import LogReader
from streamsel.records import Decision, Label, LogRecord, Query

_DECISIONS_A_READ = 100
"""Decoded in one go, so few enough to hold the event loop only briefly."""
_LABELS_A_READ = 500
_WAIT_SECONDS = 0.25


class Following:
    """Reads the decisions of partition 0 and the label log in step; ``run`` until cancelled."""

    def __init__(
        self, decision_log: LogReader, label_log: LogReader, comparison: Comparison, recent: int
    ) -> None:
        self._decision_log = decision_log
        self._label_log = label_log
        self._comparison = comparison
        self.decisions = 0
        self.labels = 0
        self.ages: list[float] = []
        """Seconds from decision to label, by offset in the label log."""
        self.asked: Counter[str] = Counter()
        """Query id to the number of decisions it stands in."""
        self.recent: deque[Query] = deque(maxlen=recent)
        self.answers: dict[str, str] = {}
        """Query id to label."""

    @property
    def age_p95(self) -> float:
        """95th percentile of ``ages``; NaN without labels."""
        return float(np.percentile(self.ages, 95.0)) if self.ages else float("nan")

    async def run(self) -> None:
        """Follows both logs until cancelled."""
        while True:
            await self._step()

    async def catch_up(self) -> None:
        """Reads both logs up to their ends as of now."""
        end = await self._decision_log.end()
        while self.decisions < end:
            await self._step()
        await self._read_labels(0)

    async def _step(self) -> None:
        """A read of decisions, and of all the labels that they know. Several models learn and judge them,
        which would hold the event loop too long."""
        records = await self._decision_log.read(self.decisions, _DECISIONS_A_READ, _WAIT_SECONDS)
        decisions = [decode_decision(content) for _, content in records]
        await self._read_labels(max((decision.model_version for decision in decisions), default=0))
        await asyncio.to_thread(self._comparison.add_decisions, decisions)
        self._take(decisions)

    async def _read_labels(self, end: int) -> None:
        """Reads all that the label log holds, and waits until that is at least up to ``end``."""
        more = True
        while more or self.labels < end:
            wait_seconds = _WAIT_SECONDS if self.labels < end else 0.0
            records = await self._label_log.read(self.labels, _LABELS_A_READ, wait_seconds)
            labels = [decode_log_record(content) for _, content in records]
            self._comparison.add_records(labels)
            self._remember(labels)
            self.labels += len(labels)
            more = bool(labels)

    def _remember(self, records: Sequence[LogRecord]) -> None:
        for record in records:
            if isinstance(record, Label) and record.query_id is not None and record.decided_at is not None:
                self.answers[record.query_id] = record.label
                self.ages.append(record.labelled_at - record.decided_at)

    def _take(self, decisions: Sequence[Decision]) -> None:
        self.decisions += len(decisions)
        for decision in decisions:
            if decision.query is not None:
                self.asked[decision.query.query_id] += 1
                self.recent.append(decision.query)
