"""What happened in the end: chargebacks, appeals, read from a topic and put into the label log.

    poll ► for each: decode ► what it comes to ► append (log) ► settle (store) ► again, unless it stands
         ► commit

An outcome answers the query of its event if that is at the desk, whoever holds it; one that was drawn at
random it leaves to people, or what is known of the stream would depend on which outcomes come. It corrects a
label of less authority, is kept as an opinion beside one of more, and is a label of its own for an event
nobody was asked about, if it brings the features. The desk forgets queries that expire: whether an event was
held out is therefore drawn again, and no model learns of one that may have been.

Nothing is locked. A record appended beside another's of the same revision may lose against it; the outcome is
then looked at again. One delivered twice changes nothing the second time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from streamsel.codec import Unreadable, encode_dead_letter, encode_log_record, query_id_of
from streamsel.codec.outcomes import Outcome, OutcomeDecoder
from streamsel.metrics import Metrics
from streamsel.ports import (
    Clock,
    DeadLetterSink,
    EventSource,
    LabelLog,
    QueryView,
    ReviewQueue,
    SourceRecord,
    SourceUnavailable,
)
from streamsel.records import DRAWN, Label, LabelRecord, Opinion, Partition, Retraction
from streamsel.review.oracles import ORACLE_SOURCES, PEOPLE_AUTHORITY, Effect, Terms, drawn, effect
from streamsel.review.refusals import (
    DeskUnreachable,
    LabelLogRefused,
    LabelLogUnreachable,
    UnknownQuery,
)
from streamsel.services.answers import word_of
from streamsel.services.oracles.following import AccountsFollower
from streamsel.services.oracles.told import corrected, label_of, label_unasked, opinion_of

_POLL_SECONDS = 1.0
_RECORDS_A_POLL = 500
_OUTAGE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Known:
    """What there is on an event. ``standing`` is its label; ``newest`` what that would be a revision of."""

    query_id: str
    standing: Label | None
    newest: LabelRecord | None
    opinion: Opinion | None
    view: QueryView | None


class OutcomesConsumer:
    """``run`` until cancelled, in any number of processes: they share the partitions."""

    def __init__(
        self,
        terms: Terms,
        source: EventSource,
        decoder: OutcomeDecoder,
        queue: ReviewQueue,
        log: LabelLog,
        follower: AccountsFollower,
        dead_letters: DeadLetterSink,
        clock: Clock,
        metrics: Metrics,
        may_be_held_out: Callable[[str], bool],
    ) -> None:
        """``follower`` must be running and ``indexed``; ``may_be_held_out`` is asked about event ids."""
        self._terms = terms
        self._source = source
        self._decoder = decoder
        self._queue = queue
        self._label_log = log
        self._follower = follower
        self._dead_letters = dead_letters
        self._clock = clock
        self._metrics = metrics
        self._may_be_held_out = may_be_held_out
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Outages are waited out; what was not finished is read again."""
        while True:
            try:
                await self._session()
            except (SourceUnavailable, LabelLogUnreachable, DeskUnreachable) as error:
                self._log.warning("outcomes_outage", error=str(error), retry_seconds=_OUTAGE_SECONDS)
                await asyncio.sleep(_OUTAGE_SECONDS)

    async def on_assigned(self, positions: Mapping[Partition, int]) -> None:
        """Nothing is kept for a partition."""

    async def on_revoked(self, partitions: Sequence[Partition]) -> None:
        """What is in hand is finished twice, by the next owner as well, and counts once."""

    async def _session(self) -> None:
        await self._follower.caught_up()
        try:
            await self._source.start(self)
            while True:
                for partition, records in await self._source.poll(_RECORDS_A_POLL, _POLL_SECONDS):
                    for record in records:
                        await self._take(record)
                    await self._source.commit({partition: records[-1].offset + 1})
        finally:
            await self._source.stop()

    async def _take(self, record: SourceRecord) -> None:
        try:
            await self._apply(self._decoder.decode(record.value))
        except Unreadable as unreadable:
            await self._set_aside(record, unreadable)
        except LabelLogRefused as refused:
            await self._set_aside(
                record, Unreadable("too_large", f"the label log does not take it: {refused}")
            )

    async def _set_aside(self, record: SourceRecord, unreadable: Unreadable) -> None:
        letter = self._decoder.letter(record, unreadable, self._clock.time())
        await self._dead_letters.send([encode_dead_letter(letter)])
        self._metrics.dead_letters.labels(letter.reason).inc()
        self._count("dead_letter")
        self._log.warning(
            "outcome_dead_letter", reason=letter.reason, detail=letter.detail, source=str(letter.source)
        )

    async def _apply(self, outcome: Outcome) -> None:
        """Until what follows from the outcome stands in the log."""
        while True:
            known = await self._known(outcome)
            came_to = self._effect(outcome, known)
            if came_to is Effect.NOTHING:
                self._count(came_to)
                return
            records = self._records(outcome, known, came_to)
            offsets = await self._label_log.append([encode_log_record(record) for record in records])
            words = map(word_of, records, offsets)
            await self._queue.settle([word for word in words if word is not None])
            await self._follower.reached(offsets[-1] + 1)
            if all(map(self._follower.stands, (record.label_id for record in records), offsets)):
                self._count(came_to)
                return

    async def _known(self, outcome: Outcome) -> _Known:
        query_id = query_id_of(outcome.event_id)
        newest: LabelRecord | None = None
        for label_id in (query_id, _unasked(query_id), f"seed-{query_id}"):
            record = await self._follower.newest(label_id)
            if isinstance(record, Label):
                newest = record
                break
            newest = newest or record
        opinion = await self._follower.newest(opinion_of(query_id, "", "", self._terms.name, 0.0).label_id)
        try:
            view = await self._queue.view(query_id)
        except UnknownQuery:
            view = None
        return _Known(
            query_id,
            newest if isinstance(newest, Label) else None,
            newest,
            opinion if isinstance(opinion, Opinion) else None,
            view,
        )

    def _effect(self, outcome: Outcome, known: _Known) -> Effect:
        standing, terms = known.standing, self._terms
        if standing is None and known.view is None and outcome.features is None:
            raise Unreadable(
                "unknown_event",
                "nobody was asked about the event, or so long ago that the desk has forgotten it, and the "
                "outcome brings no features",
            )
        if (
            standing is not None
            and standing.labelled_by == terms.name
            and outcome.at is not None
            and outcome.at < standing.labelled_at
        ):
            return Effect.NOTHING  # overtaken by a later one
        checked = drawn(known.query_id, terms.name, terms.check) and known.view is not None
        return effect(
            terms,
            outcome.label,
            standing,
            known.opinion,
            authority=self._authority(standing),
            permitted=not checked
            and not _left_to_people(known)
            and self._follower.accounts.room(terms.name) > 0,
            open_to_people=known.view is not None,
        )

    def _authority(self, standing: Label | None) -> int:
        if standing is None or standing.source not in ORACLE_SOURCES:
            return PEOPLE_AUTHORITY
        terms = self._follower.accounts.terms.get(standing.labelled_by)
        return 0 if terms is None else terms.authority  # an oracle that was dismissed

    def _records(self, outcome: Outcome, known: _Known, came_to: Effect) -> Sequence[LabelRecord]:
        name, standing = self._terms.name, known.standing
        now = self._clock.time() if outcome.at is None else outcome.at
        if came_to is Effect.LABEL:
            if standing is not None:
                return [corrected(standing, outcome.label, "outcome", name, now)]
            revision = 1 if known.newest is None else known.newest.revision + 1
            if known.view is not None:
                return [label_of(known.view.query, outcome.label, "outcome", name, now, revision)]
            label_id = _unasked(known.query_id) if known.newest is None else known.newest.label_id
            held_out = self._may_be_held_out(outcome.event_id)
            return [label_unasked(outcome, label_id, name, now, revision, held_out=held_out)]
        revision = 1 if known.opinion is None else known.opinion.revision + 1
        opinion = opinion_of(known.query_id, outcome.event_id, outcome.label, name, now, revision)
        if came_to is Effect.DISPUTE and standing is not None:
            taken_back = Retraction(
                standing.label_id, standing.revision + 1, "oracles disagree", name, self._clock.time()
            )
            return [taken_back, opinion]
        return [opinion]

    def _count(self, outcome: str) -> None:
        self._metrics.oracle_answers.labels(self._terms.name, outcome).inc()


def _left_to_people(known: _Known) -> bool:
    """Whether it was drawn at random, and no label of it stands."""
    return known.standing is None and known.view is not None and known.view.query.lane in DRAWN


def _unasked(query_id: str) -> str:
    """The label id of an event nobody was asked about."""
    return f"outcome-{query_id}"
