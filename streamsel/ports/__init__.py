"""What the services ask of the world: one Protocol for each thing that does I/O or knows the time.

Adapters implement these; one contract test per port runs over every adapter. All methods are safe to
repeat: an effect is keyed by event, query or label id, so that doing it twice is doing it once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from streamsel.records import Partition, Query, Source
from streamsel.review.lifecycle import State
from streamsel.selection.capacity import CapacityFacts


class SourceUnavailable(Exception):
    """The broker or stream did not answer; the call may be repeated."""


class TopicRefused(Exception):
    """A topic exists with settings under which streamsel would lose or corrupt data. The message names the
    topic, the setting, its value and what it must be."""


class RecordTooLarge(ValueError):
    """A record is larger than its log takes; nothing of the call was written. The message names both
    sizes."""


class StoreRefused(Exception):
    """The desk's store is not fit to keep the queue. The message names the setting, its value and what it
    must be."""


class SourceRecord(Protocol):
    """One raw record, as aiokafka's ``ConsumerRecord`` already is."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


class RebalanceListener(Protocol):
    """What a selector does when partitions come and go."""

    async def on_assigned(self, positions: Mapping[Partition, int]) -> None:
        """Called before the first record of these partitions; each with the next offset to be read."""

    async def on_revoked(self, partitions: Sequence[Partition]) -> None:
        """Called before another member may own these; finish what is in flight and commit it here."""


class EventSource(Protocol):
    """Events of the partitions this process owns, in order within each partition."""

    async def start(self, listener: RebalanceListener) -> None: ...

    async def poll(
        self, max_records: int, wait_seconds: float
    ) -> Sequence[tuple[Partition, Sequence[SourceRecord]]]:
        """What is waiting, at most ``max_records``; waits up to ``wait_seconds`` for the first one."""

    async def commit(self, positions: Mapping[Partition, int]) -> None:
        """Everything before these offsets is done. A partition no longer owned is silently left out."""

    async def lag(self) -> int:
        """Records waiting in the owned partitions beyond what was polled."""

    async def stop(self) -> None: ...


class EventIntake(Protocol):
    """Where ``POST /v1/events`` and the demo put events in."""

    async def append(self, values: Sequence[bytes]) -> Sequence[Source]:
        """Durable on return."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class OutgoingDecisions:
    """The encoded decisions of one partition's share of a micro-batch, in source order.

    ``offsets`` are the *source* offsets; decisions go to the partition of the same number.
    """

    partition: int
    offsets: Sequence[int]
    values: Sequence[bytes]


class DecisionSink(Protocol):
    """Where decisions go: one record an event, in the order of the source partition."""

    async def send(self, decisions: Sequence[OutgoingDecisions]) -> Awaitable[None]:
        """Hands the records over; the returned awaitable is done once they are durable."""

    async def recorded(self, partition: int, since: int) -> Mapping[int, bytes]:
        """Decisions already made for source offsets from ``since`` on, by source offset. Called on
        assignment, so that a redelivered event is decided as it was."""

    async def close(self) -> None: ...


class DeadLetterSink(Protocol):
    """Where records go that could not be processed."""

    async def send(self, letters: Sequence[bytes]) -> None:
        """Durable on return."""

    async def close(self) -> None: ...


class LogReader(Protocol):
    """One ordered log, read from any offset: the label log, or one partition of the decisions."""

    async def read(self, start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        """Records from ``start`` on; waits up to ``wait_seconds`` for the first one."""

    async def beginning(self) -> int:
        """The offset of the oldest record there still is; the end's of a log without any."""

    async def end(self) -> int:
        """The offset the next record will get."""

    async def close(self) -> None: ...


class LabelLog(LogReader, Protocol):
    """The one ordered, never compacted log. Offsets start at 0 and have no gaps."""

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        """Offsets of the records, durable on return. Raises ``LabelLogUnreachable`` when that is not known
        in time: the records may or may not be there; ``LabelLogRefused`` when the log will not take them."""


class AuditLog(LogReader, Protocol):
    """Who did what, in the order of writing; never compacted, kept for ever. Offsets start at 0."""

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        """Offsets of the records, durable on return. Raises ``SourceUnavailable`` when that is not known in
        time, and ``RecordTooLarge``."""


class SessionStore(Protocol):
    """Small secrets that end by themselves: sessions, and sign-ins under way. Any desk finds any of them.

    Every method may raise ``DeskUnreachable``.
    """

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keeps the value for so long."""

    async def look(self, key: str, seconds: float) -> bytes | None:
        """The value, kept for so long from now on; ``None`` when there is none any more."""

    async def take(self, key: str) -> bytes | None:
        """The value, for the last time: of all who ask, one gets it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A query held by one reviewer until ``lease_expires_at`` (the store's clock)."""

    query: Query
    queue: str
    fence: int
    attempt: int
    lease_seconds: float
    lease_expires_at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The stored answer to a query; what a replay gets."""

    query_id: str
    label: str
    labelled_by: str
    offset: int
    """In the label log; the model version that has learned it is ``offset + 1``."""


@dataclass(frozen=True, slots=True)
class Recording:
    """``begin`` succeeded: the caller must now append to the label log, then ``settle`` or ``abort``."""

    query: Query
    review_seconds: float
    """Since the claim."""
    repeated: bool
    """The same label was begun before, and may have reached the log already."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the desk knows of the label log."""

    position: int
    """The offset up to which answers are known to the desk."""
    at: float
    """The store's time at which this was so."""


@dataclass(frozen=True, slots=True)
class QueryView:
    """A query and where it stands. ``opinions`` are labels that came too late to count."""

    query: Query
    state: State
    queue: str
    fence: int
    attempts: int
    offered_at: float
    reason: str = ""
    answer: Answer | None = None
    opinions: Sequence[Mapping[str, str]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """The desk at a glance. ``waiting`` and ``leased`` (those being recorded with them) by lane."""

    waiting: Mapping[str, int]
    leased: Mapping[str, int]
    oldest_seconds: float
    live_reviewers: int
    completions_per_second: float
    mean_review_seconds: float | None
    expired_total: int
    dead_total: int


class ReviewQueue(Protocol):
    """The desk's store. Each method is one atomic state change; only the store's clock decides leases.

    Every method may raise ``DeskUnreachable``; those naming a query may raise ``UnknownQuery``; those
    taking a fence may raise ``Superseded``.
    """

    async def offer(self, queries: Sequence[Query]) -> int:
        """Adds those not yet known, by query id; returns how many were new."""

    async def claim(self, reviewer: str, queue: str, count: int) -> Sequence[Claim]:
        """Up to ``count`` queries, the most useful first; marks the reviewer as live even when empty."""

    async def wait_for_work(self, seconds: float) -> None:
        """Returns when something may have become claimable, or after ``seconds``."""

    async def extend(self, query_id: str, fence: int, reviewer: str) -> Claim: ...

    async def release(self, query_id: str, fence: int, reviewer: str) -> None: ...

    async def escalate(self, query_id: str, fence: int, reviewer: str, reason: str) -> None:
        """Moves it to the ``escalated`` queue, for anyone but as a new claim."""

    async def begin(
        self, query_id: str, fence: int, reviewer: str, label: str, idempotency_key: str
    ) -> Recording | Answer:
        """Opens the recording of a label, or returns the stored answer of a replay (same reviewer, fence and
        label, or same idempotency key with the same label). A label too late to count is kept as an opinion
        and refused with ``Superseded``."""

    async def abort(self, query_id: str, fence: int, reviewer: str) -> None:
        """The label log refused the label for certain: back to leased."""

    async def settle(self, answers: Sequence[Answer], position: int = 0) -> Sequence[Answer]:
        """The log has these answers: closes their queries in whatever state and moves the settled position to
        ``position`` if that is further. Returns the answers that stand, each query's first in the log;
        unknown queries are left out."""

    async def settled(self) -> Settled:
        """How far the log is settled, and the store's time."""

    async def sweep(self, log_settled_at: float = 0.0) -> int:
        """Ends lapsed leases and expires unclaimed queries, boundedly; returns how many moved.

        A recording that lapsed may have left its label in the log: it is ended only if it lapsed before
        ``log_settled_at``, a time of the store's after which the caller read the log's end and settled all
        before it."""

    async def view(self, query_id: str) -> QueryView: ...

    async def status(self) -> QueueStatus: ...

    async def report(self, selector: str, events_per_second: float) -> CapacityFacts:
        """Shares this selector's event rate and returns the facts all selectors compute capacity from."""

    async def close(self) -> None: ...


class Clock(Protocol):
    """The time, so that tests can move it."""

    def time(self) -> float:
        """Seconds since the Unix epoch."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
