"""The queue on a real server against its model in plain Python, over random histories.

A run has a few histories on each server; ``STREAMSEL_TEST_HISTORIES=5000`` asks for as many.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from streamsel.ports import Answer, Claim, Recording, Retracted, Undoing
from streamsel.records import Lane
from streamsel.review.lifecycle import Action, State
from streamsel.review.refusals import DeskRefusal
from streamsel.review.reviewers import Reviewer
from tests.contracts.review_queue.history_world import (
    ENDS,
    GIVE_UP,
    GOLD,
    KEYS,
    LABELS,
    LANES,
    LIMITS,
    NAMES,
    NUMBERS,
    PEOPLE,
    QUEUES,
    REVIEWERS,
    ROUTING,
    SECONDS,
    UTILITIES,
)
from tests.contracts.review_queue.model import QueueModel
from tests.contracts.review_queue.model_slots import ModelSlot
from tests.contracts.review_queue.stores import Store, empty_store, query

HISTORIES = int(os.environ.get("STREAMSEL_TEST_HISTORIES", "10"))
STEPS = 100
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
"""A failing history is not shrunk: each of its steps asks a server, so that this would take many minutes."""

T = TypeVar("T")
Held: TypeAlias = tuple[str, int, str]
"""What a reviewer believes to hold: query id, fence, reviewer."""
Word: TypeAlias = Answer | Retracted

there_are_claims = precondition(lambda self: self.given)


class QueueHistory(RuleBasedStateMachine):
    """After every step the store's queue and the model agree on every slot, reviewer and count."""

    server: str

    @initialize()
    def start(self) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        opened = self.stack.enter_async_context(empty_store(self.server, LIMITS, ROUTING))
        self.store: Store = self.run(opened)
        self.given: list[Held] = []
        self.log: list[Word] = []
        self.offset = 1_000
        self.repeat: Callable[[], object] = lambda: None
        self.begin_anew()
        for number in range(1, 5):
            self.offer(number, "uncertain", 0.5)

    def begin_anew(self) -> None:
        self.model = QueueModel(LIMITS, ROUTING, round(self.store.now * 1e6))
        self.run(self.store.queue.set_gold(GOLD))
        self.model.set_gold(GOLD)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def outcome(self, call: Coroutine[Any, Any, T]) -> T | None:
        """What the call returned; ``None`` if it was refused."""
        try:
            return self.run(call)
        except DeskRefusal:
            return None

    def accepted(self, call: Coroutine[Any, Any, object]) -> bool:
        """Of a call that returns nothing."""
        try:
            self.run(call)
        except DeskRefusal:
            return False
        return True

    def held(self, data: st.DataObject) -> Held:
        """Some claim: one that is the newest of its slot, or any that was ever given."""
        newest = [
            (query_id, slot.fence, slot.holder)
            for query_id, each in self.model.queries.items()
            for slot in each.slots.values()
            if slot.holder and slot.is_open
        ]
        return data.draw(st.sampled_from(newest * 4 + self.given))

    @rule(number=NUMBERS, lane=LANES, utility=UTILITIES)
    def offer(self, number: int, lane: Lane, utility: float) -> None:
        offered = query(number, lane, utility)
        assert self.run(self.store.queue.offer([offered])) == self.model.offer(offered)

    @rule(reviewer=REVIEWERS, label=LABELS, key=KEYS, end=ENDS)
    def review(self, reviewer: Reviewer, label: str, key: str, end: Action) -> None:
        """As most go: claimed, and answered or given up."""
        for held in self.claimed(reviewer, [], 1):
            if end in (Action.SKIP, Action.ESCALATE):
                self.twice(lambda held: self.given_up(held, end), held)
                continue
            self.twice(self.begun, (*held, label, key))
            if end == Action.SETTLE:
                slot = self.model.queries[held[0]].find(held[1], held[2])
                assert slot is not None
                self.settle_begun(held[0], slot)

    @rule(reviewer=REVIEWERS, queues=QUEUES, count=st.integers(1, 3))
    def claim(self, reviewer: Reviewer, queues: list[str], count: int) -> None:
        self.claimed(reviewer, queues, count)

    def claimed(self, reviewer: Reviewer, queues: list[str], count: int) -> list[Held]:
        if any(queue not in ROUTING.open_to(reviewer) for queue in queues):
            queues = []
        claims = self.outcome(self.store.queue.claim(reviewer, queues, count))
        expected = self.model.claim(reviewer, queues, count)
        assert (claims is None) == (expected is None)
        shown = [(each.fence, each.attempt, each.queue) for each in claims or ()]
        assert shown == [(each.fence, each.lapses + 1, each.queue) for each in expected or ()]
        for claim, slot in zip(claims or (), expected or (), strict=True):
            assert claim.query.query_id == slot.name.partition("~")[0]
            assert claim.due_at == (None if slot.due is None else slot.due / 1e6)
            self.check_that_nobody_has_two(claim, reviewer.name)
        given = [(each.query.query_id, each.fence, reviewer.name) for each in claims or ()]
        self.given += given
        return given

    def check_that_nobody_has_two(self, claim: Claim, reviewer: str) -> None:
        """I2 and I3, whatever the model thinks."""
        view = self.run(self.store.queue.view(claim.query.query_id, reviewer))
        theirs = [slot for slot in view.slots if slot.holder == reviewer and slot.state == State.LEASED]
        given_by_them = [slot for slot in view.slots if slot.answer and slot.answer.labelled_by == reviewer]
        assert len(theirs) == 1
        assert not given_by_them
        assert all(slot.fence <= claim.fence for slot in view.slots)

    @there_are_claims
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        held = self.held(data)
        assert self.accepted(self.store.queue.extend(*held)) == self.model.extend(*held)

    @there_are_claims
    @rule(data=st.data(), action=GIVE_UP)
    def give_up(self, data: st.DataObject, action: Action) -> None:
        self.twice(lambda held: self.given_up(held, action), self.held(data))

    def given_up(self, held: Held, action: Action) -> None:
        queue = self.store.queue
        if action == Action.RELEASE:
            call = queue.release(*held)
        else:
            call = (queue.skip if action == Action.SKIP else queue.escalate)(*held, "unsure")
        assert self.accepted(call) == self.model.give_up(*held, action)

    @there_are_claims
    @rule(data=st.data())
    def seize(self, data: st.DataObject) -> None:
        query_id, _, _ = self.held(data)
        assert self.outcome(self.store.queue.seize(query_id)) == self.model.seize(query_id)

    @there_are_claims
    @rule(
        data=st.data(), label=LABELS, key=KEYS, name=NAMES, by_another=st.sampled_from([False] * 4 + [True])
    )
    def begin(self, data: st.DataObject, label: str, key: str, name: str, by_another: bool) -> None:
        query_id, fence, reviewer = self.held(data)
        self.twice(self.begun, (query_id, fence, name if by_another else reviewer, label, key))

    def begun(self, call: tuple[str, int, str, str, str]) -> None:
        opened = self.outcome(self.store.queue.begin(*call))
        if isinstance(opened, Recording):
            opened = replace(opened, review_seconds=0.0)
        assert opened == self.model.begin(*call)

    @there_are_claims
    @rule(data=st.data())
    def abort(self, data: st.DataObject) -> None:
        held = self.held(data)
        assert self.accepted(self.store.queue.abort(*held)) == self.model.abort(*held)

    @there_are_claims
    @rule(data=st.data())
    def settle_what_was_begun(self, data: st.DataObject) -> None:
        begun = [
            (query_id, slot)
            for query_id, each in self.model.queries.items()
            for slot in each.slots.values()
            if slot.state == State.RECORDING
        ]
        if begun:
            query_id, slot = data.draw(st.sampled_from(begun))
            self.settle_begun(query_id, slot)

    def settle_begun(self, query_id: str, slot: ModelSlot) -> None:
        """The word that the desk of whoever began it puts into the log."""
        if slot.state == State.RECORDING:
            number = slot.number if slot.kind == "overlap" else 1
            words = (query_id, slot.label or "", slot.holder, self.next_offset(), slot.revision + 1)
            self.twice(self.settled, Answer(*words, slot.kind, number))

    @there_are_claims
    @rule(
        data=st.data(),
        label=LABELS,
        kind=st.sampled_from(["label", "overlap", "gold", "late"]),
        revision=st.integers(1, 3),
        slot=st.integers(1, 2),
        early=st.booleans(),
    )
    def settle_anything(
        self, data: st.DataObject, label: str, kind: Any, revision: int, slot: int, early: bool
    ) -> None:
        query_id, _, reviewer = self.held(data)
        offset = 2_000 - self.next_offset() if early else self.next_offset()
        number = slot if kind == "overlap" else 1
        self.settled(Answer(query_id, label, reviewer, offset, revision, kind, number))

    def next_offset(self) -> int:
        self.offset += 1
        return self.offset

    def settled(self, word: Word) -> None:
        self.log.append(word)
        self.settle_both(word)

    def settle_both(self, word: Word) -> None:
        standing = self.model.settle(word)
        assert self.run(self.store.queue.settle([word])) == ([] if standing is None else [standing])

    @there_are_claims
    @rule(data=st.data(), newer=st.sampled_from([1, 1, 1, 0, -1]))
    def retraction(self, data: st.DataObject, newer: int) -> None:
        query_id = self.held(data)[0]
        if not (slots := list(self.model.queries[query_id].slots.values())):
            return  # gold that the store forgot to have asked
        slot = data.draw(st.sampled_from(slots))
        label_id = {"label": query_id, "gold": slot.name}.get(slot.kind, f"{query_id}~{slot.number}")
        self.settled(Retracted(label_id, max(1, slot.revision + newer), self.next_offset()))

    @there_are_claims
    @rule(data=st.data(), stale=st.sampled_from([0, 0, 0, 1]), at_once=st.booleans())
    def undo(self, data: st.DataObject, stale: int, at_once: bool) -> None:
        answered = [
            (query_id, slot.revision, slot.answered_by)
            for query_id, each in self.model.queries.items()
            for slot in each.slots.values()
            if slot.answered_by is not None
        ]
        query_id, revision, reviewer = data.draw(st.sampled_from([*answered * 4, self.held(data)]))
        opened = self.retracted(query_id, revision + stale, reviewer or "")
        if at_once and isinstance(opened, Undoing):
            self.settled(Retracted(opened.label_id, opened.revision, self.next_offset()))
            self.retracted(query_id, revision + stale, reviewer or "")

    def retracted(self, query_id: str, revision: int, reviewer: str) -> Undoing | Claim | None:
        opened = self.outcome(self.store.queue.retract(query_id, revision, reviewer))
        expected = self.model.retract(query_id, revision, reviewer)
        if isinstance(expected, ModelSlot):
            assert isinstance(opened, Claim)
            assert (opened.fence, opened.queue) == (expected.fence, expected.queue)
            self.given.append((query_id, opened.fence, reviewer))
        else:
            assert opened == expected
        return opened

    @there_are_claims
    @rule(data=st.data(), agreed=st.booleans())
    def resolve(self, data: st.DataObject, agreed: bool) -> None:
        complete = [query_id for query_id, each in self.model.queries.items() if each.complete]
        query_id = data.draw(st.sampled_from([*complete * 3, self.held(data)[0]]))
        if agreed and query_id in complete:
            self.twice(self.settled, Answer(query_id, "fraud", "ann,dan", self.next_offset()))
        else:
            assert self.accepted(self.store.queue.dispute(query_id)) == self.model.dispute(query_id)

    @rule(name=NAMES, reason=st.none() | st.just("too quick"))
    def pause_or_resume(self, name: str, reason: str | None) -> None:
        call = self.store.queue.resume(name) if reason is None else self.store.queue.pause(name, reason)
        self.run(call)
        self.model.shift(name).paused = reason

    @rule(seconds=SECONDS, log_read=st.booleans())
    def pass_time(self, seconds: float, log_read: bool) -> None:
        self.advance(seconds)
        moved = self.run(self.store.queue.sweep(self.store.now if log_read else 0.0))
        assert moved == self.model.sweep(self.model.now if log_read else 0)

    @rule()
    def pass_a_lease_unswept(self) -> None:
        self.advance(LIMITS.lease_seconds)

    def advance(self, seconds: float) -> None:
        self.run(self.store.advance(seconds))
        self.model.now = round(self.store.now * 1e6)

    @rule(chance=st.integers(1, 8))
    def crash(self, chance: int) -> None:
        """The store loses everything, rarely; from decisions and label log it is made anew."""
        if chance > 1:
            return
        self.run(self.store.lose_everything())
        offered = [each.query for each in self.model.queries.values() if each.expected is None]
        self.begin_anew()
        for one in offered:
            assert self.run(self.store.queue.offer([one])) == self.model.offer(one)
        for word in self.log:
            self.settle_both(word)

    @rule()
    def once_more(self) -> None:
        """A call that came twice."""
        self.repeat()

    def twice(self, call: Callable[[T], None], argument: T) -> None:
        """Calls, and remembers to do it again."""
        self.repeat = lambda: call(argument)
        call(argument)

    @invariant()
    def every_slot_is_as_modelled(self) -> None:
        for reviewer in ("", *(one.name for one in PEOPLE)):
            mine = {
                query_id: each
                for query_id, each in self.model.queries.items()
                if (each.expected is None) == (reviewer == "")
                and (each.expected is None or f"{query_id}~{reviewer}" in each.slots)
            }
            views = self.run(self.store.queue._views([query_id.encode() for query_id in mine], reviewer))
            assert [view.query.query_id for view in views] == list(mine)
            for view, each in zip(views, mine.values(), strict=True):
                slots = [
                    slot
                    for slot in each.slots.values()
                    if each.expected is None or slot.name == f"{view.query.query_id}~{reviewer}"
                ]
                found = [
                    (one.state, one.queue, one.fence, one.holder, one.attempts, one.answer, one.revision)
                    for one in view.slots
                ]
                assert found == [
                    (one.state, one.queue, one.fence, one.holder, one.lapses, one.answer, one.revision)
                    for one in slots
                ]
                assert {one["reviewer"]: one["label"] for one in view.opinions} == each.opinions
                assert view.skipped_by == each.skipped_by
                assert view.sensitive == each.placed.sensitive
                if each.expected is None:
                    assert (view.state, view.asked) == (each.leading.state, each.placed.slots)
                    assert view.offered_at == pytest.approx(each.offered_at / 1e6)

    @invariant()
    def the_desk_is_as_modelled(self) -> None:
        status = self.run(self.store.queue.status())
        slots = [slot for each in self.model.queries.values() for slot in each.slots.values()]
        waiting = [slot for slot in slots if slot.state == State.WAITING]
        assert sum(status.waiting.values()) == len(waiting)
        assert sum(status.leased.values()) == sum(slot.in_hand for slot in slots)
        assert (status.expired_total, status.dead_total) == (self.model.expired, self.model.dead)
        for name, queue in status.queues.items():
            here = [slot for slot in slots if slot.queue == name and slot.is_open]
            due = [slot for slot in here if slot.due is not None and slot.due <= self.model.now]
            assert queue.waiting == sum(slot.state == State.WAITING for slot in here)
            assert queue.overdue == len(due)
        queries = self.model.queries.values()
        disputed = [
            each for each in queries if each.placed.slots > 1 and each.deciding and each.deciding.is_open
        ]
        assert status.disputed == len(disputed)
        complete = {view.query.query_id for view in self.run(self.store.queue.complete(99))}
        assert complete == {each.query.query_id for each in queries if each.complete}

    @invariant()
    def everybody_is_as_modelled(self) -> None:
        slots = [slot for each in self.model.queries.values() for slot in each.slots.values()]
        for one in self.run(self.store.queue.reviewers()):
            shift = self.model.shift(one.name)
            held = sum(slot.in_hand and slot.holder == one.name for slot in slots)
            assert (one.held, one.handed, one.answered) == (held, shift.handed, shift.answered)
            assert (one.sensitive_in_a_row, one.paused) == (shift.run, shift.paused)


def test_the_queue_behaves_as_its_life_cycle_says(server: str) -> None:
    """Whatever happens in whatever order, on every server the queue does what the table says."""

    class OnThisServer(QueueHistory):
        pass

    OnThisServer.server = server
    run_state_machine_as_test(
        OnThisServer,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=PHASES,
        ),
    )
