"""The desk's store: what waits, who holds it, and what the label log has said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from streamsel.records import Query
from streamsel.review.lifecycle import OPEN_STATES, URGENCY, State
from streamsel.review.reviewers import Reviewer
from streamsel.selection.capacity import CapacityFacts

AnswerKind: TypeAlias = Literal["label", "overlap", "late", "gold"]
"""What the label log holds of an answer: a label, or an opinion of that kind."""


class StoreRefused(Exception):
    """The desk's store is not fit to keep the queue. The message names the setting, its value and what it
    must be."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A query held by one reviewer until ``lease_expires_at``. Times are the store's."""

    query: Query
    queue: str
    fence: int
    attempt: int
    lease_seconds: float
    lease_expires_at: float
    due_at: float | None = None
    """When it should have been answered, if its queue says."""
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer: the label of a query, or one reviewer's opinion; what a replay gets."""

    query_id: str
    label: str
    labelled_by: str
    offset: int
    """In the label log; the model version that has learned it is ``offset + 1``."""
    revision: int = 1
    kind: AnswerKind = "label"
    slot: int = 1
    """Of an overlap opinion: which of the query's slots it fills."""


@dataclass(frozen=True, slots=True)
class Retracted:
    """The log's word that a label or an opinion is taken back."""

    label_id: str
    """The query's id for a label, as ``records.Opinion.label_id`` for an opinion."""
    revision: int
    offset: int


@dataclass(frozen=True, slots=True)
class Undoing:
    """``retract`` succeeded: the caller must now append this retraction to the label log, settle it, and
    ask again for the claim."""

    label_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Recording:
    """``begin`` succeeded: the caller must now append to the label log, then ``settle`` or ``abort``."""

    query: Query
    review_seconds: float
    """Since the claim."""
    repeated: bool
    """The same label was begun before, and may have reached the log already."""
    kind: AnswerKind = "label"
    """What to append: a label, or an opinion, ``overlap`` or ``gold``."""
    revision: int = 1
    """Which it must have."""
    slot: int = 1
    slots: int = 1
    """How many opinions the query is to get."""
    expected: str | None = None
    """The known answer; of gold alone."""


@dataclass(frozen=True, slots=True)
class GoldQuery:
    """A question whose answer is known."""

    query: Query
    expected: str


@dataclass(frozen=True, slots=True)
class SlotView:
    """One slot of a query."""

    slot: int
    """From 1 on; the deciding slot of a disputed query is one more than its ``slots``."""
    state: State
    queue: str
    fence: int
    holder: str
    """The newest claim's reviewer; empty when it was given up, or never claimed."""
    attempts: int
    answer: Answer | None
    revision: int
    """Of the answer or retraction that stands; 0 before the first."""


@dataclass(frozen=True, slots=True)
class QueryView:
    """A query and where it stands. ``state``, ``queue``, ``fence`` and ``attempts`` are those of its leading
    slot, the one it waits for; most queries have no other."""

    query: Query
    offered_at: float
    slots: Sequence[SlotView]
    """The opinions asked for, and after them the deciding slot of a query that has one."""
    asked: int = 1
    """How many reviewers are asked for an opinion; 1: one is, for the label."""
    reason: str = ""
    answer: Answer | None = None
    """The label that stands."""
    sensitive: bool = False
    opinions: Sequence[Mapping[str, str]] = ()
    """Labels that came too late to count: ``reviewer`` and ``label``."""
    skipped_by: Mapping[str, str] = field(default_factory=dict)
    """Reviewer to the reason given."""
    gold: bool = False
    """A question whose answer is known, as asked of one reviewer."""

    @property
    def deciding(self) -> SlotView | None:
        """The slot whose answer is the label; ``None`` while opinions are collected."""
        if self.asked > 1 and len(self.slots) == self.asked:
            return None
        return self.slots[-1]

    @property
    def leading(self) -> SlotView:
        """The deciding slot, or that most in need."""
        return self.deciding or min(self.slots, key=lambda slot: URGENCY.index(slot.state))

    @property
    def state(self) -> State:
        return self.leading.state

    @property
    def queue(self) -> str:
        return self.leading.queue

    @property
    def fence(self) -> int:
        return self.leading.fence

    @property
    def attempts(self) -> int:
        return self.leading.attempts

    @property
    def revision(self) -> int:
        """Of the label that stands, or of the retraction that stands instead of it; 0 before the first."""
        return self.deciding.revision if self.deciding else 0

    @property
    def disputed(self) -> bool:
        """Its opinions do not agree, and nobody has decided yet."""
        return self.asked > 1 and self.deciding is not None and self.deciding.state in OPEN_STATES


@dataclass(frozen=True, slots=True)
class Page:
    """Some queries of a listing, and where the next page begins: ``None`` after the last."""

    queries: Sequence[QueryView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PastAnswer:
    """One of a reviewer's last answers, which can be undone while ``revision`` is the newest."""

    answer: Answer
    event_id: str
    answered_at: float


@dataclass(frozen=True, slots=True)
class QueueBacklog:
    """What waits in one queue."""

    waiting: int
    oldest_seconds: float
    overdue: int
    """Open slots, waiting or in hand, past the time in which they were to be answered."""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """The desk at a glance. ``waiting`` and ``leased`` (with those being recorded) count slots by lane."""

    waiting: Mapping[str, int]
    leased: Mapping[str, int]
    oldest_seconds: float
    live_reviewers: int
    completions_per_second: float
    mean_review_seconds: float | None
    expired_total: int
    dead_total: int
    queues: Mapping[str, QueueBacklog] = field(default_factory=dict)
    complete: int = 0
    """Queries whose opinions are in and not yet resolved."""
    disputed: int = 0
    """Queries whose opinions do not agree and nobody has decided."""


@dataclass(frozen=True, slots=True)
class ReviewerActivity:
    """What the desk knows of one reviewer."""

    name: str
    live: bool
    last_seen_at: float
    held: int
    """Claims in hand."""
    handed: int
    """Claims handed out to them, ever."""
    answered: int
    """Answers recorded, ever."""
    sensitive_in_a_row: int
    on_break_until: float | None
    paused: str | None
    """Why; ``None``: not paused."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the desk knows of the label log."""

    position: int
    """The offset up to which answers are known to the desk."""
    at: float
    """The store's time at which this was so."""


class ReviewQueue(Protocol):
    """The desk's store. Each method is one atomic state change; only the store's clock decides leases.

    Every method may raise ``DeskUnreachable``; those naming a query may raise ``UnknownQuery``; those
    taking a fence may raise ``Superseded``: of a query with several slots, the fence names the one meant.
    """

    async def offer(self, queries: Sequence[Query]) -> int:
        """Adds those not yet known, by query id, each with its slots where the routing places it; returns
        how many queries were new."""

    async def set_gold(self, gold: Sequence[GoldQuery]) -> None:
        """From now on these are the questions whose answers are known. Each reviewer gets each of them once
        among their claims, in the order in which they were first set."""

    async def claim(self, reviewer: Reviewer, queues: Sequence[str], count: int) -> Sequence[Claim]:
        """Up to ``count`` queries of these queues (none named: of all that are the reviewer's), the most
        useful first; marks the reviewer as live even when empty.

        Passes over queries of which they have had another slot or which they skipped, and sensitive ones
        while they have had enough in a row; hands out fewer at the limit of what one may hold. Raises
        ``UnknownQueue``, ``NotPermitted``, ``Paused`` or ``OnBreak``."""

    async def wait_for_work(self, seconds: float) -> None:
        """Returns when something may have become claimable, or after ``seconds``."""

    async def extend(self, query_id: str, fence: int, reviewer: str) -> Claim: ...

    async def release(self, query_id: str, fence: int, reviewer: str) -> None: ...

    async def skip(self, query_id: str, fence: int, reviewer: str, reason: str) -> None:
        """Gives it back, never to be shown to this reviewer again; when enough have skipped it, it goes
        where ``escalate`` leads."""

    async def escalate(self, query_id: str, fence: int, reviewer: str, reason: str) -> None:
        """Moves it to the queue that its queue escalates to, for whoever may claim there."""

    async def seize(self, query_id: str) -> Sequence[str]:
        """Takes the query from all who hold it, back to its queue; returns who they were. What is being
        recorded is left."""

    async def begin(
        self, query_id: str, fence: int, reviewer: str, label: str, idempotency_key: str
    ) -> Recording | Answer:
        """Opens the recording of a label, or returns the stored answer of a replay (same reviewer, fence and
        label, or same idempotency key with the same label). A label too late to count is kept as an opinion
        and refused with ``TooLate``."""

    async def abort(self, query_id: str, fence: int, reviewer: str) -> None:
        """The label log refused the label for certain: back to leased."""

    async def settle(self, words: Sequence[Answer | Retracted], position: int = 0) -> Sequence[Answer]:
        """The log has these: a label closes its query in whatever state, an opinion its slot, a retraction
        opens either again. Moves the settled position to ``position`` if that is further.

        The newest revision of an answer stands, and among equals the first in the log. Returns for each
        answer the one that stands; those of unknown queries, and those since retracted, are left out."""

    async def settled(self) -> Settled:
        """How far the log is settled, and the store's time."""

    async def complete(self, count: int) -> Sequence[QueryView]:
        """Up to ``count`` queries whose last slot is closed and whose opinions are to be resolved: by
        ``settle`` of one label, or by ``dispute``. Those that have waited for it longest come first. Most
        have all their opinions; of some, slots have expired."""

    async def dispute(self, query_id: str) -> None:
        """The opinions do not agree: offers the deciding slot where the query escalates to. Changes nothing
        unless the query is complete."""

    async def retract(self, query_id: str, revision: int, reviewer: str) -> Undoing | Claim:
        """Opens the undoing of one's own answer. Once its retraction is settled, by whomever, the query is
        leased anew to this reviewer, and the same call returns the claim.

        Raises ``Stale`` when ``revision`` is not the answer's, ``NotUndoable`` when it is another's, not
        among their last ten, or others have built on it."""

    async def sweep(self, log_settled_at: float = 0.0) -> int:
        """Ends lapsed leases and expires unclaimed queries, boundedly; returns how many moved.

        A recording that lapsed may have left its label in the log: it is ended only if it lapsed before
        ``log_settled_at``, a time of the store's after which the caller read the log's end and settled all
        before it."""

    async def pause(self, reviewer: str, reason: str) -> None:
        """No more claims for this reviewer; what is in hand can still be answered."""

    async def resume(self, reviewer: str) -> None:
        """Claims again."""

    async def view(self, query_id: str, reviewer: str = "") -> QueryView:
        """A query and where it stands. A question whose answer is known looks like any other query to the
        ``reviewer`` who was asked it, and is unknown to all others."""

    async def page(
        self,
        state: State | None,
        queue: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page:
        """Queries in a state, or in any, and in a queue, or in any; those that move while the pages are
        turned may be missed or seen twice. A page may hold fewer than there are, or none, before the last.
        Raises ``ValueError`` for a ``cursor`` that is none."""

    async def disputes(self, count: int) -> Sequence[QueryView]:
        """Up to ``count`` queries whose opinions do not agree and nobody has decided, the oldest first."""

    async def answers(self, reviewer: str) -> Sequence[PastAnswer]:
        """The reviewer's last ten answers that stand, the newest first."""

    async def reviewers(self) -> Sequence[ReviewerActivity]:
        """All that were ever seen, or paused, by name."""

    async def status(self) -> QueueStatus: ...

    async def report(self, selector: str, events_per_second: float) -> CapacityFacts:
        """Shares this selector's event rate and returns the facts all selectors compute capacity from; the
        backlog counts slots, for each is an answer to be given."""

    async def close(self) -> None: ...
