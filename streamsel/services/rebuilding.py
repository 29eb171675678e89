"""Making the desk's queue anew, after its store was lost: the decisions less what the label log answers.

    labels that stand ► decisions ► queries without one ► offer ► all the label log says, once more

An answer may reach the log while this runs. Of a query that is on the desk by then, a desk settles it; one
that came before is found at the end, because the log is read after the offers. So whatever runs beside it,
in the end no answered query waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from streamsel.codec import Unreadable, decode_log_record, query_of
from streamsel.ports import LabelLog, LogReader, ReviewQueue, SourceUnavailable
from streamsel.records import Label, Query, Retraction
from streamsel.services.desk import Desk

_RECORDS_A_READ = 2_000
_AN_OFFER = 128
_READ_SECONDS = 5.0
"""A read of a record that is known to be there waits so long for it."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was found, and what came of it."""

    decisions: int = 0
    """In the log, from the beginning of what is retained."""
    queries: int = 0
    """Decisions to ask."""
    answered: int = 0
    """Queries whose label stands in the label log."""
    expired: int = 0
    """Queries not answered, and decided longer ago than a query waits."""
    offered: int = 0
    """Queries that are on the desk now and were not before."""


async def rebuild(
    queue: ReviewQueue,
    desk: Desk,
    labels: LabelLog,
    decisions: Sequence[LogReader],
    expire_seconds: float,
    watch: Callable[[int], Callable[[int], None]],
) -> Rebuilt:
    """Offers every query of the ``decisions`` (one log for each partition) that is neither answered nor
    expired; may run beside selectors and desks, and be repeated.

    ``watch`` is told how many decisions there are, and gives what is told how many more are through.
    Raises ``SourceUnavailable``, ``LabelLogUnreachable`` or ``DeskUnreachable``: repeat it.
    """
    oldest = (await queue.settled()).at - expire_seconds
    spans = [(reader, await reader.beginning(), await reader.end()) for reader in decisions]
    advance = watch(sum(end - first for _, first, end in spans))
    answered = _Answered(labels)
    counts = Rebuilt()
    for span in spans:
        async for records in _records(*span):
            queries = list(_queries(records))
            await answered.catch_up()
            unanswered = [query for query in queries if query.query_id not in answered]
            fresh = [query for query in unanswered if query.decided_at >= oldest]
            counts = Rebuilt(
                decisions=counts.decisions + len(records),
                queries=counts.queries + len(queries),
                answered=counts.answered + len(queries) - len(unanswered),
                expired=counts.expired + len(unanswered) - len(fresh),
                offered=counts.offered + await _offered(queue, fresh),
            )
            advance(len(records))
    await desk.replay()
    return counts


async def _offered(queue: ReviewQueue, queries: Sequence[Query]) -> int:
    """How many are new. In several calls at once: the store works on one while the next is made, and writes
    several to its disk together."""
    parts = (queries[first : first + _AN_OFFER] for first in range(0, len(queries), _AN_OFFER))
    return sum(await asyncio.gather(*map(queue.offer, parts)))


class _Answered:
    """The queries whose label stands, as far as the label log has been read."""

    def __init__(self, labels: LabelLog) -> None:
        self._labels = labels
        self._position = 0
        self._newest: dict[str, tuple[int, str | None]] = {}
        """By label id: the newest revision, and the query it answers; ``None`` of a retraction."""
        self._query_ids: set[str] = set()

    def __contains__(self, query_id: str) -> bool:
        return query_id in self._query_ids

    async def catch_up(self) -> None:
        """Reads on to where the log ends now."""
        async for records in _records(self._labels, self._position, await self._labels.end()):
            for _, content in records:
                self._read(content)
            self._position = records[-1][0] + 1

    def _read(self, content: bytes) -> None:
        try:
            record = decode_log_record(content)
        except Unreadable:
            return  # a desk that reads it says so
        match record:
            case Label(query_id=str(query_id)):
                self._note(record.label_id, record.revision, query_id)
            case Retraction():
                self._note(record.label_id, record.revision, None)

    def _note(self, label_id: str, revision: int, query_id: str | None) -> None:
        newest, replaced = self._newest.get(label_id, (0, None))
        if revision <= newest:
            return
        self._newest[label_id] = revision, query_id
        if replaced is not None:
            self._query_ids.discard(replaced)
        if query_id is not None:
            self._query_ids.add(query_id)


async def _records(log: LogReader, start: int, end: int) -> AsyncIterator[Sequence[tuple[int, bytes]]]:
    """What the log holds from ``start`` to before ``end``."""
    while start < end:
        read = await log.read(start, _RECORDS_A_READ, _READ_SECONDS)
        if not read:
            raise SourceUnavailable(f"nothing came from offset {start} of a log that ends at {end}")
        start = read[-1][0] + 1
        yield [record for record in read if record[0] < end]


def _queries(records: Sequence[tuple[int, bytes]]) -> Iterator[Query]:
    for offset, content in records:
        try:
            query = query_of(content)
        except Unreadable as error:
            structlog.get_logger().warning("decision_unreadable", offset=offset, error=str(error))
            continue
        if query is not None:
            yield query
