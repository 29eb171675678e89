"""The review queue in plain Python: the life-cycle table with the rules around it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from streamsel.ports import Answer
from streamsel.records import Query
from streamsel.review.lifecycle import TRANSITIONS, Action, State
from streamsel.review.priority import head_start
from streamsel.review.routing import DEFAULT_QUEUE, ESCALATED_QUEUE
from streamsel.review.settings import DeskSettings


@dataclass
class ModelQuery:
    """One query; times in whole microseconds."""

    query: Query
    offered_at: int
    priority: int
    since: int
    state: State = State.WAITING
    queue: str = DEFAULT_QUEUE
    fence: int = 0
    holder: str = ""
    lapses: int = 0
    deadline: int = 0
    label: str | None = None
    key: str | None = None
    answer: Answer | None = None
    ended: Action | None = None
    opinions: dict[str, str] = field(default_factory=dict)
    lost: dict[int, str] = field(default_factory=dict)

    def move(self, action: Action) -> None:
        """Fails on a move the table does not have."""
        self.state = TRANSITIONS[self.state, action]

    def allows(self, action: Action) -> bool:
        return (self.state, action) in TRANSITIONS

    def held_by(self, reviewer: str, fence: int) -> bool:
        return self.fence == fence and self.holder == reviewer


class QueueModel:
    """All of them. An operation returns whether it was accepted, or what it yields; ``None`` when refused."""

    def __init__(self, settings: DeskSettings, now: int) -> None:
        self.now = now
        self.queries: dict[str, ModelQuery] = {}
        self.expired = self.dead = 0
        self._settings = settings
        self._lease = round(settings.lease_seconds * 1e6)
        self._recording = round(settings.recording_seconds * 1e6)
        self._expire = round(settings.expire_seconds * 1e6)

    def offer(self, query: Query) -> bool:
        if query.query_id in self.queries:
            return False
        ahead = round(head_start(query) * self._settings.ageing_seconds * 1e6)
        self.queries[query.query_id] = ModelQuery(query, self.now, self.now - ahead, self.now)
        return True

    def claim(self, reviewer: str, queue: str, count: int) -> list[ModelQuery]:
        self.sweep(0)
        waiting = [each for each in self._in(State.WAITING) if each.queue == queue]
        taken = sorted(waiting, key=lambda each: (each.priority, each.query.query_id))[:count]
        for each in taken:
            each.move(Action.CLAIM)
            each.lost.setdefault(each.fence, each.holder)
            each.fence, each.holder = max(each.fence + 1, self.now), reviewer
            each.deadline = self.now + self._lease
            each.label = each.key = None
        return taken

    def extend(self, query_id: str, fence: int, reviewer: str) -> bool:
        each = self.queries[query_id]
        if not each.held_by(reviewer, fence) or not each.allows(Action.EXTEND):
            return False
        each.move(Action.EXTEND)
        each.deadline = self.now + self._lease
        return True

    def give_up(self, query_id: str, fence: int, reviewer: str, action: Action) -> bool:
        each = self.queries[query_id]
        target = ESCALATED_QUEUE if action == Action.ESCALATE else each.queue
        if each.held_by("", fence) and each.ended == action:
            return True
        if not each.held_by(reviewer, fence) or not each.allows(action):
            return False
        each.move(action)
        each.lost[fence], each.ended = reviewer, action
        each.queue, each.holder, each.since = target, "", self.now
        return True

    def begin(self, query_id: str, fence: int, reviewer: str, label: str, key: str) -> bool | Answer | None:
        """A replay's answer, or whether the label had been begun before."""
        each = self.queries[query_id]
        if (
            each.answer
            and each.answer.label == label
            and (each.answer.labelled_by == reviewer or each.key == key)
        ):
            return each.answer
        another = each.state == State.RECORDING and each.label != label
        if not each.held_by(reviewer, fence) or not each.allows(Action.BEGIN) or another:
            if each.held_by(reviewer, fence) or each.lost.get(fence) == reviewer:
                each.opinions[reviewer] = label
            return None
        repeated = each.label == label
        each.move(Action.BEGIN)
        each.label, each.key = label, key
        each.deadline = self.now + self._recording
        return repeated

    def abort(self, query_id: str, fence: int, reviewer: str) -> bool:
        each = self.queries[query_id]
        if not each.held_by(reviewer, fence):
            return False
        if each.state == State.LEASED:
            return True
        if not each.allows(Action.ABORT):
            return False
        each.move(Action.ABORT)
        each.deadline = self.now + self._lease
        each.label = each.key = None
        return True

    def settle(self, answer: Answer) -> Answer:
        each = self.queries[answer.query_id]
        if each.answer is None or answer.offset < each.answer.offset:
            each.move(Action.SETTLE)
            if (each.label, each.holder) != (answer.label, answer.labelled_by):
                each.key = None
            each.label, each.answer = answer.label, answer
        return each.answer

    def sweep(self, log_settled_at: int) -> int:
        moved = 0
        for each in self._in(State.LEASED):
            if each.deadline <= self.now:
                each.lapses += 1
                each.move(Action.LAPSE if each.lapses < self._settings.attempts else Action.BURY)
                each.since = self.now
                self.dead += each.state == State.DEAD
                moved += 1
        for each in self._in(State.RECORDING):
            if each.deadline <= min(self.now, log_settled_at):
                each.move(Action.LAPSE)
                each.since = self.now
                moved += 1
        for each in self._in(State.WAITING):
            if each.since <= self.now - self._expire:
                each.move(Action.EXPIRE)
                self.expired += 1
                moved += 1
        return moved

    def _in(self, state: State) -> Iterator[ModelQuery]:
        return iter([each for each in self.queries.values() if each.state == state])
