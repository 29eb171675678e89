"""What follows from several opinions on one query, and from gold answers.

    opinions:  complete (store) ► resolve ► append a label (log) ► settle (store), or dispute (store)
    gold:      wrong answer (log) ► tally ► pause (store) ► settled beyond it (store)

Whatever dies between two of these, the next desk finds the query still complete, or the gold answer not yet
settled, and does it over. Two desks may so resolve one query at once. Of their labels, which have one label
id and one revision, the first in the log counts, for the model and for the store.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from streamsel.codec import encode_log_record
from streamsel.ports import Clock, LabelLog, QueryView, ReviewQueue
from streamsel.records import LogRecord, Opinion
from streamsel.review.consensus import Resolution, Rule, Verdict, resolve
from streamsel.review.quality import Floor, ReviewerQuality
from streamsel.review.refusals import LabelLogRefused
from streamsel.services.answers import answer_of, resolved
from streamsel.services.log_lines import about
from streamsel.services.tally import TallyFollower

_AT_ONCE = 100


class Resolver:
    """Makes one label of the opinions on each query that has them all, or has it decided by somebody else."""

    def __init__(
        self,
        queue: ReviewQueue,
        log: LabelLog,
        follower: TallyFollower,
        rule: Rule,
        labels: int,
        clock: Clock,
    ) -> None:
        """``labels`` is how many labels there are to choose from."""
        self._queue = queue
        self._label_log = log
        self._follower = follower
        self._rule = rule
        self._labels = labels
        self._clock = clock
        self._log = structlog.get_logger()

    async def resolve(self, position: int) -> None:
        """All queries that are complete when the log is settled up to ``position``; the weighted rule waits
        for the next time while the tally has not come so far. Raises ``LabelLogUnreachable``."""
        if self._rule == "weighted" and self._follower.tally.position < position:
            return
        for view in await self._queue.complete(_AT_ONCE):
            resolution = self._resolution(view)
            if resolution.verdict is not Verdict.AGREED or not await self._record(view, resolution):
                await self._queue.dispute(view.query.query_id)

    def _resolution(self, view: QueryView) -> Resolution:
        opinions = [slot.answer for slot in view.slots[: view.asked] if slot.answer is not None]
        tally = self._follower.tally
        accuracies = {opinion.labelled_by: tally.accuracy(opinion.labelled_by) for opinion in opinions}
        # Complete is also a query some of whose slots nobody took in time: those who answered decide.
        return resolve(opinions, max(len(opinions), 1), self._rule, accuracies, self._labels)

    async def _record(self, view: QueryView, resolution: Resolution) -> bool:
        label = resolved(view, resolution, self._clock.time())
        try:
            (offset,) = await self._label_log.append([encode_log_record(label)])
        except LabelLogRefused as error:
            self._log.warning("consensus_refused", **about(view.query), error=str(error))
            return False
        await self._queue.settle([answer_of(label, offset)])
        return True


class FloorKeeper:
    """Pauses a reviewer whose gold accuracy is too low."""

    def __init__(self, queue: ReviewQueue, follower: TallyFollower, floor: Floor | None) -> None:
        """``None``: nobody is paused."""
        self._queue = queue
        self._follower = follower
        self._floor = floor
        self._log = structlog.get_logger()

    async def judge(self, records: Sequence[LogRecord], position: int) -> None:
        """Whoever gave a wrong answer to gold among ``records``, by all there is before ``position``; so one
        whom a lead has let go on is judged again at their next mistake."""
        mistaken = {
            record.labelled_by
            for record in records
            if isinstance(record, Opinion) and record.kind == "gold" and record.label != record.expected
        }
        if self._floor is None or not mistaken:
            return
        await self._follower.reached(position)
        tally = self._follower.tally
        if below := mistaken.intersection(tally.below(self._floor)):
            paused = {one.name for one in await self._queue.reviewers() if one.paused is not None}
            for name in sorted(below - paused):
                reason = _reason(tally.quality(name), self._floor)
                await self._queue.pause(name, reason)
                self._log.warning("reviewer_paused", reviewer=name, reason=reason)


def _reason(quality: ReviewerQuality, floor: Floor) -> str:
    low, high = quality.gold_interval
    return (
        f"{quality.gold_accuracy:.0%} of {quality.gold_asked} questions with known answers were right "
        f"(95 % interval {low:.0%} to {high:.0%}); {floor.accuracy:.0%} are needed"
    )
