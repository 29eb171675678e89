"""Undoing and correcting answers: newer revisions in the label log."""

from __future__ import annotations

from collections.abc import Mapping

from streamsel.codec import encode_log_record
from streamsel.ports import (
    Answer,
    Claim,
    Clock,
    LabelLog,
    QueryView,
    Retracted,
    ReviewQueue,
    SourceUnavailable,
    Undoing,
)
from streamsel.records import LogRecord, Retraction
from streamsel.review.refusals import (
    DeskUnreachable,
    LabelLogRefused,
    LabelLogUnreachable,
    NotUndoable,
    Stale,
    Unrecorded,
)
from streamsel.review.reviewers import Reviewer
from streamsel.services.answers import answer_of, corrected
from streamsel.services.settling import Settler


class Reviser:
    """For a ``Desk``. Both methods raise ``Unrecorded`` when the log did not confirm the revision in time:
    repeated, they find it there or append it then."""

    def __init__(
        self, queue: ReviewQueue, log: LabelLog, settler: Settler, gold: Mapping[str, str], clock: Clock
    ) -> None:
        """``gold`` has the known answers, by query id."""
        self._queue = queue
        self._label_log = log
        self._settler = settler
        self._gold = gold
        self._clock = clock

    async def undo(self, query_id: str, revision: int, reviewer: str) -> Claim:
        """See ``Desk.undo``."""
        await self._look(query_id)
        opened = await self._queue.retract(query_id, revision, reviewer)
        if isinstance(opened, Undoing):
            record = Retraction(opened.label_id, opened.revision, "undone", reviewer, self._clock.time())
            offset = await self._append(query_id, record)
            await self._queue.settle([Retracted(record.label_id, record.revision, offset)])
            opened = await self._queue.retract(query_id, revision, reviewer)
        if isinstance(opened, Undoing):
            raise NotUndoable(query_id, "the answer could not be undone")
        return opened

    async def correct(self, query_id: str, revision: int, reviewer: Reviewer, label: str) -> Answer:
        """See ``Desk.correct``."""
        await self._look(query_id)
        view = await self._queue.view(query_id, reviewer.name)
        standing = await self._correctable(view, reviewer)
        if (standing.revision, standing.label, standing.labelled_by) == (revision + 1, label, reviewer.name):
            return standing  # a repetition
        if standing.revision != revision:
            raise Stale(query_id, standing.revision)
        expected = self._gold.get(query_id)
        record = corrected(view, standing, expected, label, reviewer.name, self._clock.time())
        answer = answer_of(record, await self._append(query_id, record))
        try:
            stands = next(iter(await self._queue.settle([answer])), answer)
        except DeskUnreachable:
            return answer  # the log has it; a follower of the log settles it later
        if stands != answer:
            raise Stale(query_id, stands.revision)
        return answer

    async def _correctable(self, view: QueryView, reviewer: Reviewer) -> Answer:
        """What this reviewer may correct: any label if they lead, their own answers unless they have been
        resolved to a label."""
        query_id = view.query.query_id
        if reviewer.role != "reviewer" and view.answer is not None:
            return view.answer
        own = (past.answer for past in await self._queue.answers(reviewer.name))
        standing = next((answer for answer in own if answer.query_id == query_id), None)
        if standing is None:
            raise NotUndoable(query_id, "only your own last answers can be corrected")
        if standing.kind == "overlap" and view.deciding is not None:
            raise NotUndoable(query_id, "others have built on this answer")
        return standing

    async def _look(self, query_id: str) -> None:
        """Tells the store what the log holds, an earlier attempt's record perhaps."""
        try:
            await self._settler.look()
        except (LabelLogUnreachable, SourceUnavailable) as error:
            raise Unrecorded(query_id, "the label log does not answer; please repeat") from error

    async def _append(self, query_id: str, record: LogRecord) -> int:
        try:
            (offset,) = await self._label_log.append([encode_log_record(record)])
        except LabelLogUnreachable as error:
            raise Unrecorded(query_id, "the label log did not confirm it in time; please repeat") from error
        except LabelLogRefused as error:
            raise Unrecorded(query_id, f"the label log does not take it: {error}") from error
        return offset
