"""Queries and slots of the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from streamsel.ports import Answer, AnswerKind
from streamsel.records import Query
from streamsel.review.lifecycle import OPEN_STATES, TRANSITIONS, URGENCY, Action, State
from streamsel.review.routing import Placement


@dataclass
class ModelSlot:
    """One slot; times in whole microseconds."""

    name: str
    number: int
    kind: AnswerKind
    queue: str
    priority: int
    since: int
    state: State = State.WAITING
    due: int | None = None
    fence: int = 0
    holder: str = ""
    ended: Action | None = None
    lapses: int = 0
    deadline: int = 0
    label: str | None = None
    key: str | None = None
    answer: Answer | None = None
    revision: int = 0
    offset: int = 0
    reopens: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def in_hand(self) -> bool:
        return self.state in (State.LEASED, State.RECORDING)

    @property
    def answered_by(self) -> str | None:
        return self.answer.labelled_by if self.answer else None

    def move(self, action: Action) -> None:
        """Fails on a move the table does not have."""
        self.state = TRANSITIONS[self.state, action]

    def allows(self, action: Action) -> bool:
        return (self.state, action) in TRANSITIONS

    def held_by(self, reviewer: str, fence: int) -> bool:
        return self.fence == fence and self.holder == reviewer

    def stands_over(self, revision: int, offset: int) -> bool:
        """Whether what is known is newer, or as new and earlier in the log."""
        return (-revision, offset) >= (-self.revision, self.offset) and self.revision > 0


@dataclass
class ModelQuery:
    """One query; of gold, ``slots`` are its reviewers', by name."""

    query: Query
    placed: Placement
    offered_at: int
    slots: dict[str, ModelSlot] = field(default_factory=dict)
    expected: str | None = None
    complete: bool = False
    skips: int = 0
    skipped_by: dict[str, str] = field(default_factory=dict)
    opinions: dict[str, str] = field(default_factory=dict)
    lost: dict[int, str] = field(default_factory=dict)

    @property
    def first(self) -> ModelSlot:
        return self.slots[self.query.query_id]

    @property
    def deciding_name(self) -> str:
        query_id, asked = self.query.query_id, self.placed.slots
        return query_id if asked == 1 else f"{query_id}~{asked + 1}"

    @property
    def deciding(self) -> ModelSlot | None:
        return self.slots.get(self.deciding_name)

    @property
    def leading(self) -> ModelSlot:
        return self.deciding or min(self.slots.values(), key=lambda slot: URGENCY.index(slot.state))

    @property
    def newest_fence(self) -> int:
        return max(slot.fence for slot in self.slots.values())

    def opinions_asked(self) -> Iterator[ModelSlot]:
        """All slots but the deciding one."""
        return (slot for slot in self.slots.values() if slot.kind == "overlap")

    def had_another(self, reviewer: str, slot: ModelSlot) -> bool:
        """Whether the reviewer holds, held last or answered another slot than this."""
        others = [each for each in self.slots.values() if each is not slot]
        return any(
            each.answered_by == reviewer or (each.is_open and each.holder == reviewer) for each in others
        )

    def find(self, fence: int, reviewer: str) -> ModelSlot | None:
        """The slot a call is about; ``None`` for gold that was not asked."""
        if self.expected is not None:
            return self.slots.get(f"{self.query.query_id}~{reviewer}")
        found = self.first
        for slot in self.slots.values():
            if slot.fence == fence:
                return slot
            if reviewer in (slot.holder, slot.answered_by):
                found = slot
        return found

    def conclude(self) -> None:
        """After a slot was closed."""
        if self.expected is None and self.placed.slots > 1:
            if any(slot.is_open for slot in self.slots.values()):
                return
            opined = any(slot.state == State.OPINED for slot in self.slots.values())
            self.complete = opined and self.deciding is None
