"""The review queue in plain Python: the life-cycle table with the rules around it, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from streamsel.ports import Answer, GoldQuery, Recording, Retracted, Undoing
from streamsel.records import Query
from streamsel.review.lifecycle import Action, State
from streamsel.review.priority import head_start
from streamsel.review.reviewers import Reviewer
from streamsel.review.routing import Routing
from streamsel.review.settings import DeskSettings
from tests.contracts.review_queue.model_shift import ModelShift
from tests.contracts.review_queue.model_slots import ModelQuery, ModelSlot


class QueueModel:
    """All of them. An operation returns what it yields, or whether it was accepted; ``None`` when refused."""

    def __init__(self, settings: DeskSettings, routing: Routing, now: int) -> None:
        self.now = now
        self.queries: dict[str, ModelQuery] = {}
        self.shifts: dict[str, ModelShift] = defaultdict(lambda: ModelShift("", settings))
        self.expired = self.dead = 0
        self._settings, self._routing = settings, routing
        self._queues = {queue.name: queue for queue in routing.queues}
        self._lease = round(settings.lease_seconds * 1e6)
        self._recording = round(settings.recording_seconds * 1e6)
        self._expire = round(settings.expire_seconds * 1e6)

    # Offers ---------------------------------------------------------------------------------------------

    def offer(self, query: Query) -> bool:
        if query.query_id in self.queries:
            return False
        placed = self._routing.place(query)
        each = self.queries[query.query_id] = ModelQuery(query, placed, self.now)
        ahead = round(head_start(query) * self._settings.ageing_seconds * 1e6)
        for number in range(1, placed.slots + 1):
            self._add(each, number, placed.queue, self.now - ahead)
        return True

    def set_gold(self, gold: Sequence[GoldQuery]) -> None:
        for one in gold:
            placed = self._routing.place(one.query)
            each = ModelQuery(one.query, placed, self.now, expected=one.expected)
            self.queries[one.query.query_id] = each

    def _add(self, each: ModelQuery, number: int, queue: str, priority: int) -> ModelSlot:
        query_id, asked = each.query.query_id, each.placed.slots
        name = query_id if number == 1 else f"{query_id}~{number}"
        kind = "overlap" if number <= asked > 1 else "label"
        slot = each.slots[name] = ModelSlot(name, number, kind, queue, priority, self.now)  # type: ignore[arg-type]
        self._place(slot, queue)
        return slot

    def _place(self, slot: ModelSlot, queue: str) -> None:
        sla = self._queues[queue].sla_seconds
        slot.queue, slot.due = queue, None if sla is None else self.now + round(sla * 1e6)

    # Claims ---------------------------------------------------------------------------------------------

    def shift(self, name: str) -> ModelShift:
        self.shifts[name].name = name
        return self.shifts[name]

    def claim(self, reviewer: Reviewer, named: Sequence[str], count: int) -> list[ModelSlot] | None:
        self.sweep(0)
        shift = self.shift(reviewer.name)
        if shift.refused(self.now):
            return None
        run, rested = shift.run, shift.rested(self.now)
        shift.run = 0 if rested else shift.run
        queues = list(self._routing.open_to(reviewer, named))
        held = sum(slot.in_hand and slot.holder == shift.name for _, slot in self._slots())
        wanted = min(count, self._settings.most_held - held)
        waiting = [(each, slot) for each, slot in self._slots(State.WAITING) if slot.queue in queues]
        waiting.sort(key=lambda pair: (pair[1].priority, queues.index(pair[1].queue), pair[1].name))
        taken: list[ModelSlot] = []
        while len(taken) < wanted:
            gold = self._next_gold(shift, queues)
            if gold is not None:
                taken.append(gold)
            elif not waiting:
                break
            elif self._try(shift, *(pair := waiting.pop(0))):
                taken.append(pair[1])
        if taken:
            shift.working = self.now if rested or shift.working is None else shift.working
            shift.active = self.now
        else:
            shift.run = run
        return taken

    def _try(self, shift: ModelShift, each: ModelQuery, slot: ModelSlot) -> bool:
        """Leases a waiting slot, unless it is not for them."""
        foreign = each.expected is not None and slot.name != f"{each.query.query_id}~{shift.name}"
        had = each.expected is None and each.had_another(shift.name, slot)
        if foreign or had or shift.name in each.skipped_by or shift.too_many(each.placed.sensitive):
            return False
        if slot.holder:
            each.lost[slot.fence] = slot.holder
        slot.move(Action.CLAIM)
        newest = slot.fence if each.expected is not None else each.newest_fence
        self._lease_to(slot, shift.name, max(newest + 1, self.now))
        slot.label = slot.key = None
        shift.hand(each.placed.sensitive)
        return True

    def _lease_to(self, slot: ModelSlot, reviewer: str, fence: int) -> None:
        slot.state, slot.holder, slot.fence = State.LEASED, reviewer, fence
        slot.deadline = self.now + self._lease

    def _next_gold(self, shift: ModelShift, queues: Sequence[str]) -> ModelSlot | None:
        if not shift.draws_gold():
            return None
        for each in self.queries.values():
            name = f"{each.query.query_id}~{shift.name}"
            fits = each.placed.queue in queues and not shift.too_many(each.placed.sensitive)
            if each.expected is not None and name not in each.slots and fits:
                slot = ModelSlot(name, 1, "gold", each.placed.queue, self.now, self.now)
                each.slots[name] = slot
                self._place(slot, slot.queue)
                self._lease_to(slot, shift.name, self.now)
                shift.hand(each.placed.sensitive)
                return slot
        return None

    def extend(self, query_id: str, fence: int, reviewer: str) -> bool:
        slot = self.queries[query_id].find(fence, reviewer)
        if slot is None or not slot.held_by(reviewer, fence) or not slot.allows(Action.EXTEND):
            return False
        slot.move(Action.EXTEND)
        self.shift(reviewer).active = self.now
        slot.deadline = self.now + self._lease
        return True

    def give_up(self, query_id: str, fence: int, reviewer: str, action: Action) -> bool:
        each = self.queries[query_id]
        slot = each.find(fence, reviewer)
        if slot is not None and slot.held_by("", fence) and slot.ended == action:
            return True
        if slot is None or not slot.held_by(reviewer, fence) or not slot.allows(action):
            return False
        self.shift(reviewer).active = self.now
        each.lost[fence], slot.holder, slot.ended = reviewer, "", action
        if each.expected is not None and action != Action.RELEASE:
            slot.move(Action.WITHDRAW)
            return True
        slot.move(action)
        if action == Action.SKIP:
            each.skips, each.skipped_by[reviewer] = each.skips + 1, "unsure"
        up = action == Action.ESCALATE or (action == Action.SKIP and each.skips >= self._settings.skips)
        self._to_queue(slot, self._queues[slot.queue].escalates_to if up else slot.queue)
        return True

    def _to_queue(self, slot: ModelSlot, queue: str) -> None:
        slot.since = self.now
        if slot.queue != queue:
            self._place(slot, queue)

    def seize(self, query_id: str) -> list[str] | None:
        each = self.queries[query_id]
        if each.expected is not None:
            return None
        holders = []
        for slot in each.slots.values():
            if slot.allows(Action.SEIZE):
                slot.move(Action.SEIZE)
                holders.append(slot.holder)
                each.lost[slot.fence], slot.holder, slot.ended = slot.holder, "", Action.SEIZE
                slot.since = self.now
        return holders

    # Answers --------------------------------------------------------------------------------------------

    def begin(
        self, query_id: str, fence: int, reviewer: str, label: str, key: str
    ) -> Answer | Recording | None:
        each = self.queries[query_id]
        slot = each.find(fence, reviewer)
        if slot is None:
            return None
        self.shift(reviewer).active = self.now
        if slot.answer and slot.label == label and (slot.answered_by == reviewer or slot.key == key):
            return slot.answer
        ours = slot.held_by(reviewer, fence)
        another = slot.state == State.RECORDING and slot.label != label
        if not ours or not slot.allows(Action.BEGIN) or another:
            if ours or each.lost.get(fence) == reviewer:
                each.opinions[reviewer] = label
            return None
        repeated = slot.label == label
        slot.move(Action.BEGIN)
        slot.label, slot.key, slot.deadline = label, key, self.now + self._recording
        number = slot.number if slot.kind == "overlap" else 1
        slots = each.placed.slots if each.expected is None else 1
        return Recording(
            each.query, 0.0, repeated, slot.kind, slot.revision + 1, number, slots, each.expected
        )

    def abort(self, query_id: str, fence: int, reviewer: str) -> bool:
        slot = self.queries[query_id].find(fence, reviewer)
        if slot is None or not slot.held_by(reviewer, fence):
            return False
        if slot.state == State.LEASED:
            return True
        if not slot.allows(Action.ABORT):
            return False
        slot.move(Action.ABORT)
        slot.deadline, slot.label, slot.key = self.now + self._lease, None, None
        return True

    def settle(self, word: Answer | Retracted) -> Answer | None:
        """The answer that stands."""
        if isinstance(word, Retracted):
            self._retraction(word)
            return None
        each = self.queries[word.query_id]
        if word.kind == "late":
            each.opinions[word.labelled_by] = word.label
            return None
        slot = self._label(each, word) if word.kind == "label" else self._opinion(each, word)
        return None if slot is None else slot.answer

    def _label(self, each: ModelQuery, word: Answer) -> ModelSlot | None:
        if each.expected is not None:
            return None
        slot, decided = each.deciding, each.deciding is not None
        if slot is not None and slot.stands_over(word.revision, word.offset):
            return slot
        for one in list(each.opinions_asked()):
            one.move(Action.SETTLE)
        if slot is None:
            slot = self._add(each, each.placed.slots + 1, each.first.queue, each.first.priority)
            slot.due = None
        self._answer(each, slot, Action.SETTLE, word)
        if decided:
            self.shift(word.labelled_by).count_answer(slot.name)
        return slot

    def _opinion(self, each: ModelQuery, word: Answer) -> ModelSlot | None:
        query_id = each.query.query_id
        name = word.labelled_by if word.kind == "gold" else word.slot
        slot = each.slots.get(query_id if name == 1 else f"{query_id}~{name}")
        if slot is None or slot.kind != word.kind:
            return None
        if not slot.stands_over(word.revision, word.offset):
            self._answer(each, slot, Action.OPINE, word)
            self.shift(word.labelled_by).count_answer(slot.name)
        return slot

    def _answer(self, each: ModelQuery, slot: ModelSlot, action: Action, word: Answer) -> None:
        slot.move(action)
        if (slot.label, slot.holder) != (word.label, word.labelled_by):
            slot.key = None
        slot.label, slot.answer, slot.reopens = word.label, word, None
        slot.revision, slot.offset = word.revision, word.offset
        each.conclude()

    def _retraction(self, word: Retracted) -> None:
        query_id, _, name = word.label_id.partition("~")
        each = self.queries[query_id]
        if not name:
            slot = each.deciding if each.expected is None else None
        else:
            slot = each.slots.get(query_id if name == "1" and each.expected is None else word.label_id)
            slot = None if slot is not None and slot.kind == "label" and each.placed.slots == 1 else slot
        built_on = slot is not None and slot.kind == "overlap" and each.deciding is not None
        if slot is None or built_on or slot.stands_over(word.revision, word.offset):
            return
        slot.revision, slot.offset = word.revision, word.offset
        reopens = slot.reopens
        if not slot.allows(Action.RETRACT):
            return
        slot.move(Action.REOPEN if reopens else Action.RETRACT)
        slot.label = slot.key = slot.answer = slot.reopens = None
        slot.lapses, each.complete = 0, False
        if reopens:
            newest = slot.fence if each.expected is not None else each.newest_fence
            self._lease_to(slot, reopens, max(newest + 1, self.now))
        else:
            slot.holder, slot.since = "", self.now

    def dispute(self, query_id: str) -> bool:
        each = self.queries[query_id]
        if each.complete:
            each.complete = False
            queue = self._queues[each.first.queue].escalates_to
            self._add(each, each.placed.slots + 1, queue, each.first.priority)
        return each.expected is None

    def retract(self, query_id: str, revision: int, reviewer: str) -> Undoing | ModelSlot | None:
        each = self.queries[query_id]
        theirs = None
        for slot in each.slots.values():
            holds = slot.holder == reviewer and slot.state == State.LEASED
            own = each.expected is None or slot.name == f"{query_id}~{reviewer}"
            if own and (slot.answered_by == reviewer or holds):
                theirs = slot
        if theirs is None:
            return None
        if theirs.state == State.LEASED and theirs.revision == revision + 1 > 1:
            return theirs
        built_on = theirs.kind == "overlap" and each.deciding is not None
        known = theirs.name in self.shift(reviewer).last
        if theirs.revision != revision or theirs.answered_by != reviewer or built_on or not known:
            return None
        theirs.reopens = reviewer
        label_id = {"label": query_id, "gold": theirs.name}.get(theirs.kind, f"{query_id}~{theirs.number}")
        return Undoing(label_id, revision + 1)

    # Time -----------------------------------------------------------------------------------------------

    def sweep(self, log_settled_at: int) -> int:
        lapsed = self._pass(State.LEASED, lambda slot: slot.deadline <= self.now, self._lapse)
        until = min(self.now, log_settled_at)
        ended = self._pass(State.RECORDING, lambda slot: slot.deadline <= until, self._end_recording)
        old = self.now - self._expire
        return lapsed + ended + self._pass(State.WAITING, lambda slot: slot.since <= old, self._lose)

    def _pass(
        self,
        state: State,
        due: Callable[[ModelSlot], bool],
        move: Callable[[ModelQuery, ModelSlot], None],
    ) -> int:
        passed = [(each, slot) for each, slot in self._slots(state) if due(slot)]
        for each, slot in passed:
            move(each, slot)
        return len(passed)

    def _lapse(self, each: ModelQuery, slot: ModelSlot) -> None:
        slot.lapses += 1
        slot.move(Action.LAPSE if slot.lapses < self._settings.attempts else Action.BURY)
        slot.since = self.now
        if slot.state == State.DEAD:
            self.dead += 1
            each.conclude()

    def _end_recording(self, _: ModelQuery, slot: ModelSlot) -> None:
        slot.move(Action.LAPSE)
        slot.since = self.now

    def _lose(self, each: ModelQuery, slot: ModelSlot) -> None:
        slot.move(Action.EXPIRE)
        self.expired += 1
        each.conclude()

    def _slots(self, state: State | None = None) -> Iterator[tuple[ModelQuery, ModelSlot]]:
        every = [(each, slot) for each in self.queries.values() for slot in each.slots.values()]
        return ((each, slot) for each, slot in every if state in (None, slot.state))
