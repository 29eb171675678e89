"""What the services ask of the world: one Protocol for each thing that does I/O or knows the time.

Adapters implement these; one contract test per port runs over every adapter. All methods are safe to
repeat: an effect is keyed by event, query or label id, so that doing it twice is doing it once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from streamsel.ports.desk import (
    Answer,
    AnswerKind,
    Claim,
    GoldQuery,
    Page,
    PastAnswer,
    QueryView,
    QueueBacklog,
    QueueStatus,
    Recording,
    Retracted,
    ReviewerActivity,
    ReviewQueue,
    Settled,
    SlotView,
    StoreRefused,
    Undoing,
)
from streamsel.records import Partition, Source

__all__ = [
    "Answer",
    "AnswerKind",
    "AuditLog",
    "Claim",
    "Clock",
    "DeadLetterSink",
    "DecisionSink",
    "EventIntake",
    "EventSource",
    "GoldQuery",
    "KeptLog",
    "LabelLog",
    "LogReader",
    "OutgoingDecisions",
    "Page",
    "PastAnswer",
    "QueryView",
    "QueueBacklog",
    "QueueStatus",
    "RebalanceListener",
    "RecordTooLarge",
    "Recording",
    "Retracted",
    "ReviewQueue",
    "ReviewerActivity",
    "SessionStore",
    "Settled",
    "SlotView",
    "SourceRecord",
    "SourceUnavailable",
    "StoreRefused",
    "TopicRefused",
    "Undoing",
]


class SourceUnavailable(Exception):
    """The broker or stream did not answer; the call may be repeated."""


class TopicRefused(Exception):
    """A topic exists with settings under which streamsel would lose or corrupt data. The message names the
    topic, the setting, its value and what it must be."""


class RecordTooLarge(ValueError):
    """A record is larger than its log takes; nothing of the call was written. The message names both
    sizes."""


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
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


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

    async def append(self, values: Sequence[bytes], traceparent: str | None = None) -> Sequence[Source]:
        """Durable on return. All of them belong to this trace, if one is given."""

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


class KeptLog(LogReader, Protocol):
    """Records in the order of writing; never compacted, kept for ever. Offsets start at 0."""

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        """Offsets of the records, durable on return. Raises ``SourceUnavailable`` when that is not known in
        time, and ``RecordTooLarge``."""


class AuditLog(KeptLog, Protocol):
    """Who did what."""


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


class Clock(Protocol):
    """The time, so that tests can move it."""

    def time(self) -> float:
        """Seconds since the Unix epoch."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
