"""Who gave which answer to what several were asked, for estimates over the whole log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from streamsel.records import Directive, Label, LabelRecord, LogRecord, Opinion


class PanelAnswer(NamedTuple):
    """One reviewer's answer to one question."""

    question: str
    reviewer: str
    label: str


class Panel:
    """A fold over the label log that keeps overlap and gold opinions and the labels that decided a dispute:
    of each its newest revision, unless that takes it back."""

    def __init__(self) -> None:
        self._standing: dict[str, LabelRecord] = {}
        self._overlapping: set[str] = set()

    def add(self, record: LogRecord | None) -> None:
        """The log's next record; ``None`` for one that can't be read."""
        match record:
            case Opinion(kind="overlap"):
                self._overlapping.add(record.query_id)
            case Opinion(kind="gold"):
                pass
            case Label(source="reviewer") if record.query_id in self._overlapping:
                pass
            case None | Directive():
                return
            case _ if record.label_id not in self._standing:
                return
        known = self._standing.get(record.label_id)
        if known is None or record.revision > known.revision:
            self._standing[record.label_id] = record

    @property
    def answers(self) -> Iterator[PanelAnswer]:
        """In log order of the first revisions."""
        for record in self._standing.values():
            match record:
                case Opinion():
                    yield PanelAnswer(record.query_id, record.labelled_by, record.label)
                case Label(source="reviewer", query_id=str(query_id)):
                    yield PanelAnswer(query_id, record.labelled_by, record.label)

    @property
    def truths(self) -> Mapping[str, str]:
        """The known answers, by question."""
        return {
            record.query_id: record.expected
            for record in self._standing.values()
            if isinstance(record, Opinion) and record.expected is not None
        }
