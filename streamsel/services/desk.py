"""The review desk: hands queries out, puts answers into the label log, keeps the queue true to the log.

    label:  begin (store) ► append (log) ► settle (store)

The log is the truth. An answer counts once the log has it, and only then is it acknowledged; ``begin`` has
kept everyone else off the query meanwhile. Killed before the append, the recording lapses and the query is
claimed anew; killed after it, any desk's ``run`` finds the answer in the log and settles it. It tells the two
apart because a recording lapses only after the log has been read to an end that lies beyond its deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from streamsel.codec import encode_log_record
from streamsel.metrics import Metrics
from streamsel.ports import (
    Answer,
    Claim,
    Clock,
    GoldQuery,
    LabelLog,
    Page,
    PastAnswer,
    QueryView,
    QueueStatus,
    Recording,
    ReviewerActivity,
    ReviewQueue,
    SourceUnavailable,
)
from streamsel.records import Query
from streamsel.review.consensus import Rule
from streamsel.review.lifecycle import State
from streamsel.review.quality import Floor, ReviewerQuality
from streamsel.review.refusals import (
    DeskUnreachable,
    LabelLogRefused,
    LabelLogUnreachable,
    NotALabel,
    Superseded,
    TooLate,
    Unrecorded,
)
from streamsel.review.reviewers import Reviewer
from streamsel.services.answers import answer_of, answered, too_late
from streamsel.services.ending import end
from streamsel.services.log_lines import about
from streamsel.services.resolving import FloorKeeper, Resolver
from streamsel.services.revising import Reviser
from streamsel.services.settling import Settler
from streamsel.services.tally import TallyFollower
from streamsel.services.upkeep import Upkeep

_ASK_AGAIN_SECONDS = 5.0
"""A long poll asks the store at least so often: it shows that its reviewer lives, and needs no messages."""


@dataclass(frozen=True, slots=True)
class ReviewerStanding:
    """One reviewer, as a lead sees them."""

    activity: ReviewerActivity
    quality: ReviewerQuality
    answers_an_hour: float


class Desk:
    """What reviewers and the API call. ``run`` must be running in at least one desk of each queue.

    Every method may raise ``DeskUnreachable``; those naming a query ``UnknownQuery``; those taking a fence
    ``Superseded``. All may be repeated.
    """

    def __init__(
        self,
        queue: ReviewQueue,
        log: LabelLog,
        label_names: Sequence[str],
        clock: Clock,
        metrics: Metrics,
        sweep_seconds: float = 0.5,
        *,
        consensus: Rule = "majority",
        floor: Floor | None = None,
    ) -> None:
        """``consensus`` makes one label of several opinions; a reviewer below ``floor`` is paused."""
        labels = len(label_names)
        self._queue = queue
        self._label_log = log
        self._label_names = frozenset(label_names)
        self._clock = clock
        self._metrics = metrics
        self._gold: dict[str, str] = {}
        self._follower = TallyFollower(log, labels, clock)
        self._settler = Settler(queue, log, FloorKeeper(queue, self._follower, floor).judge)
        self._reviser = Reviser(queue, log, self._settler, self._gold, clock)
        resolver = Resolver(queue, log, self._follower, consensus, labels, clock)
        self._upkeep = Upkeep(queue, self._settler, resolver, metrics, sweep_seconds)
        self._log = structlog.get_logger()

    async def claim(
        self, reviewer: Reviewer, queues: Sequence[str] = (), count: int = 1, wait_seconds: float = 0.0
    ) -> Sequence[Claim]:
        """Up to ``count`` queries of these queues, none named: of all that are theirs, the most useful first;
        waits up to ``wait_seconds`` for the first one."""
        deadline = self._clock.monotonic() + wait_seconds
        while (left := deadline - self._clock.monotonic()) > 0:
            # Listens before it asks, so that no offer in between goes unheard.
            work = asyncio.create_task(self._queue.wait_for_work(min(left, _ASK_AGAIN_SECONDS)))
            try:
                if claims := await self._claim(reviewer, queues, count):
                    return claims
                await work
            finally:
                work.cancel()
        return await self._claim(reviewer, queues, count)

    async def label(
        self, query_id: str, fence: int, reviewer: str, label: str, idempotency_key: str
    ) -> tuple[Answer, bool]:
        """Records a label, or an opinion where the query asks for several; returns the answer that stands,
        and whether it had been recorded before.

        On return the log has it. Raises ``NotALabel``; ``TooLate`` when it came too late to count (it is kept
        as an opinion); ``Unrecorded`` when the log did not confirm it: repeat it with the same key.
        """
        self._check_label(query_id, label)
        try:
            opened = await self._begin(query_id, fence, reviewer, label, idempotency_key)
        except TooLate as late:
            await self._keep_opinion(late.query, label, reviewer)
            raise
        if isinstance(opened, Answer):
            return opened, True
        answer = await self._append(opened, fence, reviewer, label)
        self._metrics.review_seconds.observe(opened.review_seconds)
        try:
            standing = next(iter(await self._queue.settle([answer])), answer)
        except DeskUnreachable as error:
            # The log has it, so it is safe to say so; a follower of the log settles it later.
            self._log.warning("answer_not_settled", **about(opened.query), error=str(error))
            standing = answer
        if (standing.label, standing.labelled_by) != (label, reviewer):
            raise Superseded(query_id, "the log holds an earlier answer to this query")
        return standing, standing.offset != answer.offset

    async def extend(self, query_id: str, fence: int, reviewer: str) -> Claim:
        """A sign of life: the lease begins anew."""
        return await self._queue.extend(query_id, fence, reviewer)

    async def release(self, query_id: str, fence: int, reviewer: str) -> None:
        """Gives the query back to its queue."""
        await self._queue.release(query_id, fence, reviewer)

    async def skip(self, query_id: str, fence: int, reviewer: str, reason: str) -> None:
        """Gives the query back unanswered, never to be shown to this reviewer again."""
        await self._queue.skip(query_id, fence, reviewer, reason)

    async def escalate(self, query_id: str, fence: int, reviewer: str, reason: str) -> None:
        """Gives the query on to the queue that its queue escalates to."""
        await self._queue.escalate(query_id, fence, reviewer, reason)

    async def answers(self, reviewer: str) -> Sequence[PastAnswer]:
        """The reviewer's last ten answers that stand, the newest first."""
        return await self._queue.answers(reviewer)

    async def undo(self, query_id: str, revision: int, reviewer: str) -> Claim:
        """Takes one of the reviewer's last ten answers back, whose revision this is, and leases the query to
        them anew. On return the log has it.

        Raises ``Stale``, ``NotUndoable``; ``Unrecorded`` when the log did not confirm it: repeat it.
        """
        return await self._reviser.undo(query_id, revision, reviewer)

    async def correct(self, query_id: str, revision: int, reviewer: Reviewer, label: str) -> Answer:
        """Replaces an answer, whose revision this is: one of the reviewer's last ten, or any label if they
        lead. On return the log has it.

        Raises ``NotALabel``, ``Stale``, ``NotUndoable``; ``Unrecorded`` when the log did not confirm it:
        repeat it.
        """
        self._check_label(query_id, label)
        return await self._reviser.correct(query_id, revision, reviewer, label)

    async def view(self, query_id: str, reviewer: str = "") -> QueryView:
        """A query and where it stands; one with a known answer only for a ``reviewer`` who was asked it."""
        return await self._queue.view(query_id, reviewer)

    async def page(
        self, state: State | None, queue: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page:
        """Queries in a state and queue, a page at a time; ``ValueError`` for a ``cursor`` that is none."""
        return await self._queue.page(state, queue, cursor, limit)

    async def disputes(self, count: int) -> Sequence[QueryView]:
        """Up to ``count`` queries whose opinions disagree and nobody has decided, the longest so first."""
        return await self._queue.disputes(count)

    async def status(self) -> QueueStatus:
        """The desk at a glance."""
        return await self._queue.status()

    async def reviewers(self) -> Sequence[ReviewerStanding]:
        """All reviewers, by name. How well they do is as of what ``run`` has read of the log so far."""
        tally, now = self._follower.tally, self._clock.time()
        return [
            ReviewerStanding(one, tally.quality(one.name), tally.answers_an_hour(one.name, now))
            for one in await self._queue.reviewers()
        ]

    async def pause(self, reviewer: str, reason: str) -> None:
        """No more claims for this reviewer; what is in hand can still be answered."""
        await self._queue.pause(reviewer, reason)

    async def resume(self, reviewer: str) -> None:
        """Claims again. One paused for their gold answers is judged again at their next wrong one."""
        await self._queue.resume(reviewer)

    async def seize(self, query_id: str) -> Sequence[str]:
        """Takes the query from all who hold it, back to its queue; returns who they were."""
        return await self._queue.seize(query_id)

    async def set_gold(self, gold: Sequence[GoldQuery]) -> None:
        """From now on these questions are asked among others; each desk of a queue must be told the same."""
        self._gold.update((one.query.query_id, one.expected) for one in gold)
        await self._queue.set_gold(gold)

    async def replay(self) -> None:
        """Tells the store all that the label log holds, from its start, as after a loss of the store."""
        await self._settler.look(from_start=True)

    async def run(self) -> None:
        """Until cancelled: settles what comes into the log, resolves opinions, ends what lapsed or expired,
        keeps the tally of reviewers and the metrics.

        Outages are waited out. Raises ``TopicRefused`` when the log is not the one the store knows.
        """
        work = (self._upkeep.follow(), self._upkeep.tend(), self._follower.run())
        parts = [asyncio.create_task(part) for part in work]
        try:
            # Not gathered at once, or all of them would be cancelled twice, and redis-py lose connections.
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*done)
        finally:
            await end(*parts)

    def _check_label(self, query_id: str, label: str) -> None:
        if label not in self._label_names:
            known = ", ".join(sorted(self._label_names))
            raise NotALabel(query_id, f"'{label}' is not a label; the labels are {known}")

    async def _claim(self, reviewer: Reviewer, queues: Sequence[str], count: int) -> Sequence[Claim]:
        claiming = asyncio.create_task(self._queue.claim(reviewer, queues, count))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # Whoever asked has gone. What the store has handed out by now would be stuck with nobody.
            with suppress(DeskUnreachable):
                for claim in await claiming:
                    await self._queue.release(claim.query.query_id, claim.fence, reviewer.name)
            raise

    async def _begin(
        self, query_id: str, fence: int, reviewer: str, label: str, idempotency_key: str
    ) -> Recording | Answer:
        opened = await self._queue.begin(query_id, fence, reviewer, label, idempotency_key)
        if isinstance(opened, Answer) or not opened.repeated:
            return opened
        # The first attempt may have reached the log; settled, it is a replay.
        try:
            await self._settler.look()
        except (LabelLogUnreachable, SourceUnavailable) as error:
            raise Unrecorded(query_id, "the label log does not answer; please repeat") from error
        return await self._queue.begin(query_id, fence, reviewer, label, idempotency_key)

    async def _append(self, recording: Recording, fence: int, reviewer: str, label: str) -> Answer:
        query_id = recording.query.query_id
        record = answered(recording, label, reviewer, self._clock.time())
        try:
            (offset,) = await self._label_log.append([encode_log_record(record)])
        except LabelLogUnreachable as error:
            raise Unrecorded(query_id, "the label log did not confirm it in time; please repeat") from error
        except LabelLogRefused as error:
            await self._queue.abort(query_id, fence, reviewer)
            raise Unrecorded(query_id, f"the label log does not take the label: {error}") from error
        return answer_of(record, offset)

    async def _keep_opinion(self, query: Query, label: str, reviewer: str) -> None:
        record = too_late(query, label, reviewer, self._clock.time())
        try:
            await self._label_log.append([encode_log_record(record)])
        except (LabelLogUnreachable, LabelLogRefused) as error:
            # It would have changed nothing, and the store has it.
            self._log.warning("opinion_not_recorded", **about(query), error=str(error))
