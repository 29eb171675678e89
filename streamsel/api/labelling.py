"""Recording answers as callers give them."""

from __future__ import annotations

from streamsel.api.callers import Caller
from streamsel.api.mistakes import printable
from streamsel.api.problems import NOT_A_LABEL, FieldError, Problem
from streamsel.config.sections import Labels
from streamsel.ports import Answer
from streamsel.review.refusals import NotALabel
from streamsel.services.audit import Audit
from streamsel.services.desk import Desk


class Labelling:
    """Under the caller's own name, with an entry in the audit log. Raises the desk's refusals, and
    ``Problem`` for what is not a label."""

    def __init__(self, desk: Desk, labels: Labels, audit: Audit, configuration: str | None) -> None:
        """Entries name what is configured, guideline and all, by the id under which it was recorded."""
        self._configured = {} if configuration is None else {"configuration": configuration}
        self._desk = desk
        self._labels = labels
        self._audit = audit

    async def label(
        self, caller: Caller, query_id: str, fence: int, label: str, idempotency_key: str
    ) -> tuple[Answer, bool]:
        """The answer that stands, and whether it was recorded before."""
        try:
            answer, replayed = await self._desk.label(query_id, fence, caller.name, label, idempotency_key)
        except NotALabel as refusal:
            raise self._not_a_label(label, refusal) from None
        await self._audit.note(caller, "labelled", query_id, {"label": answer.label, **self._configured})
        return answer, replayed

    async def correct(self, caller: Caller, query_id: str, revision: int, label: str) -> Answer:
        """The answer in place of the one of this ``revision``."""
        try:
            answer = await self._desk.correct(query_id, revision, caller.reviewer, label)
        except NotALabel as refusal:
            raise self._not_a_label(label, refusal) from None
        detail = {"label": answer.label, "revision": answer.revision, **self._configured}
        await self._audit.note(caller, "corrected", query_id, detail)
        return answer

    def _not_a_label(self, label: str, refusal: NotALabel) -> Problem:
        expected = "must be one of " + ", ".join(self._labels.names)
        error = FieldError(field="label", value=printable(label), expected=expected)
        return Problem(NOT_A_LABEL, printable(str(refusal)), [error])
