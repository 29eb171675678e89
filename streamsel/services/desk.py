"""The review desk: hands queries out, puts answers into the label log, keeps the queue true to the log.

    label:  begin (store) ► append (log) ► settle (store)

The log is the truth. A label counts once the log has it, and only then is it acknowledged; ``begin`` has kept
everyone else off the query meanwhile. Killed before the append, the recording lapses and the query is claimed
anew; killed after it, any desk's ``run`` finds the label in the log and settles its query. It tells the two
apart because a recording lapses only after the log has been read to an end that lies beyond its deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import get_args

import structlog

from streamsel.codec import Unreadable, decode_log_record, encode_log_record
from streamsel.metrics import Metrics
from streamsel.ports import (
    Answer,
    Claim,
    Clock,
    LabelLog,
    QueryView,
    QueueStatus,
    Recording,
    Retracted,
    ReviewQueue,
    SourceUnavailable,
    TopicRefused,
)
from streamsel.records import Label, Lane, Retraction
from streamsel.review.refusals import (
    DeskUnreachable,
    LabelLogRefused,
    LabelLogUnreachable,
    NotALabel,
    Superseded,
    Unrecorded,
)
from streamsel.review.reviewers import Reviewer
from streamsel.services.ending import end

_RECORDS_A_READ = 500
_READ_SECONDS = 1.0
"""A read of the log waits so long for a new record."""
_KNOWN_RECORD_SECONDS = 5.0
"""And so long for one that is known to be there."""
_ASK_AGAIN_SECONDS = 5.0
"""A long poll asks the store at least so often: it shows that its reviewer lives, and needs no messages."""
_SWEEPS_A_ROUND = 100
_OUTAGE_SECONDS = 1.0
_LANES = [lane for lane in get_args(Lane) if lane != "none"]


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
    ) -> None:
        self._queue = queue
        self._label_log = log
        self._label_names = frozenset(label_names)
        self._clock = clock
        self._metrics = metrics
        self._sweep_seconds = sweep_seconds
        self._log_settled_at = 0.0
        self._reading = asyncio.Lock()
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
        """Records a label; returns the answer that stands, and whether it had been recorded before.

        On return the log has it. Raises ``NotALabel``; ``Superseded`` when it came too late to count (it is
        kept as an opinion); ``Unrecorded`` when the log did not confirm it: repeat it with the same key.
        """
        if label not in self._label_names:
            known = ", ".join(sorted(self._label_names))
            raise NotALabel(query_id, f"'{label}' is not a label; the labels are {known}")
        opened = await self._begin(query_id, fence, reviewer, label, idempotency_key)
        if isinstance(opened, Answer):
            return opened, True
        answer = await self._append(opened, fence, reviewer, label)
        self._metrics.review_seconds.observe(opened.review_seconds)
        try:
            standing = next(iter(await self._queue.settle([answer])), answer)
        except DeskUnreachable as error:
            # The log has it, so it is safe to say so; a follower of the log settles it later.
            self._log.warning("answer_not_settled", query_id=query_id, error=str(error))
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

    async def escalate(self, query_id: str, fence: int, reviewer: str, reason: str) -> None:
        """Gives the query on to the ``escalated`` queue."""
        await self._queue.escalate(query_id, fence, reviewer, reason)

    async def view(self, query_id: str) -> QueryView:
        """A query and where it stands."""
        return await self._queue.view(query_id)

    async def status(self) -> QueueStatus:
        """The desk at a glance."""
        return await self._queue.status()

    async def replay(self) -> None:
        """Settles all that the label log holds, from its start, as after a loss of the store."""
        await self._catch_up(from_start=True)

    async def run(self) -> None:
        """Until cancelled: settles what comes into the log, ends what lapsed or expired, keeps the metrics.

        Outages are waited out. Raises ``TopicRefused`` when the log is not the one the store knows.
        """
        parts = [asyncio.create_task(self._keep_doing(step)) for step in (self._follow, self._tend)]
        try:
            await asyncio.gather(*parts)
        finally:
            await end(*parts)

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
            await self._catch_up()
        except (LabelLogUnreachable, SourceUnavailable) as error:
            raise Unrecorded(query_id, "the label log does not answer; please repeat") from error
        return await self._queue.begin(query_id, fence, reviewer, label, idempotency_key)

    async def _append(self, recording: Recording, fence: int, reviewer: str, label: str) -> Answer:
        query = recording.query
        record = encode_log_record(_record(recording, label, reviewer, self._clock.time()))
        try:
            (offset,) = await self._label_log.append([record])
        except LabelLogUnreachable as error:
            raise Unrecorded(
                query.query_id, "the label log did not confirm the label in time; please repeat"
            ) from error
        except LabelLogRefused as error:
            await self._queue.abort(query.query_id, fence, reviewer)
            raise Unrecorded(query.query_id, f"the label log does not take the label: {error}") from error
        return Answer(query.query_id, label, reviewer, offset, recording.revision)

    async def _follow(self) -> None:
        position = await self._catch_up()
        async with self._reading:
            await self._settle(await self._label_log.read(position, _RECORDS_A_READ, _READ_SECONDS))

    async def _catch_up(self, *, from_start: bool = False) -> int:
        """Settles all that the log holds now and is not settled yet; returns its end."""
        async with self._reading:
            settled = await self._queue.settled()
            end = await self._label_log.end()
            if settled.position > end:
                raise TopicRefused(
                    f"the label log ends at offset {end}, but the desk's store has settled it up to "
                    f"{settled.position}: they do not belong together"
                )
            position = 0 if from_start else settled.position
            while position < end:
                records = await self._label_log.read(position, _RECORDS_A_READ, _KNOWN_RECORD_SECONDS)
                if not records:
                    raise LabelLogUnreachable(f"nothing at offset {position} of a log that ends at {end}")
                await self._settle(records)
                position = records[-1][0] + 1
            self._log_settled_at = settled.at
            return position

    async def _settle(self, records: Sequence[tuple[int, bytes]]) -> None:
        if records:
            await self._queue.settle(list(self._words(records)), records[-1][0] + 1)

    def _words(self, records: Sequence[tuple[int, bytes]]) -> Iterator[Answer | Retracted]:
        for offset, content in records:
            try:
                record = decode_log_record(content)
            except Unreadable as error:
                self._log.warning("label_log_record_unreadable", offset=offset, error=str(error))
                continue
            if isinstance(record, Retraction):
                yield Retracted(record.label_id, record.revision, offset)
            elif isinstance(record, Label) and record.query_id is not None:
                yield Answer(record.query_id, record.label, record.labelled_by, offset, record.revision)

    async def _tend(self) -> None:
        for _ in range(_SWEEPS_A_ROUND):
            if not await self._queue.sweep(self._log_settled_at):
                break
        status = await self._queue.status()
        for lane in _LANES:
            backlog = status.waiting.get(lane, 0) + status.leased.get(lane, 0)
            self._metrics.review_backlog.labels(lane).set(backlog)
        self._metrics.review_oldest_seconds.set(status.oldest_seconds)
        self._metrics.live_reviewers.set(status.live_reviewers)
        self._metrics.queries_expired.set(status.expired_total)
        self._metrics.queries_dead.set(status.dead_total)
        await asyncio.sleep(self._sweep_seconds)

    async def _keep_doing(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeats ``step`` until cancelled; an outage is waited out, and told once."""
        out = False
        while True:
            try:
                await step()
            except (DeskUnreachable, LabelLogUnreachable, SourceUnavailable) as error:
                if not out:
                    self._log.warning("desk_outage", step=step.__name__, error=str(error))
                out = True
                await asyncio.sleep(_OUTAGE_SECONDS)
            else:
                if out:
                    self._log.info("desk_recovered", step=step.__name__)
                out = False


def _record(recording: Recording, label: str, reviewer: str, now: float) -> Label:
    """The label log's record of an answer; self-contained, so that the model can be rebuilt from the log."""
    query = recording.query
    return Label(
        label_id=query.query_id,
        revision=recording.revision,
        event_id=query.event_id,
        label=label,
        source="reviewer",
        labelled_by=reviewer,
        labelled_at=now,
        features=query.features,
        query_id=query.query_id,
        lane=query.lane,
        propensity=query.propensity,
        probabilities=query.probabilities,
        model_version=query.model_version,
        decided_at=query.decided_at,
        segments=query.segments,
    )
