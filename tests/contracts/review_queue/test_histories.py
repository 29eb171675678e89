"""The queue on a real server against its model in plain Python, over random histories."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from streamsel.ports import Answer, Recording
from streamsel.records import Lane
from streamsel.review.lifecycle import OPEN_STATES, Action, State
from streamsel.review.refusals import Superseded
from streamsel.review.reviewers import Reviewer
from tests.contracts.review_queue.model import QueueModel
from tests.contracts.review_queue.stores import ANN, BOB, SETTINGS, Store, empty_store, query

T = TypeVar("T")
Held: TypeAlias = tuple[str, int, str]
"""What a reviewer believes to hold: query id, fence, reviewer."""

LIMITS = replace(SETTINGS, attempts=2)
NUMBERS = st.integers(1, 8)
LANES = st.sampled_from(["uncertain", "explore"])
UTILITIES = st.sampled_from([0.0, 0.5, 1.0])
REVIEWERS = st.sampled_from([ANN, BOB])
QUEUES = st.sampled_from(["default", "default", "escalated"])
LABELS = st.sampled_from(["fraud", "legitimate"])
KEYS = st.sampled_from(["key 1", "key 2"])
SECONDS = st.sampled_from(
    [1.0, *[LIMITS.recording_seconds] * 3, *[LIMITS.lease_seconds] * 3, LIMITS.expire_seconds]
)
"""Moves that end just when something is due, and one that does not."""

there_are_claims = precondition(lambda self: self.given)


class QueueHistory(RuleBasedStateMachine):
    """After every step the store's queue and the model agree on every query."""

    server: str

    @initialize()
    def start(self) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.store: Store = self.run(self.stack.enter_async_context(empty_store(self.server, LIMITS)))
        self.model = QueueModel(LIMITS, round(self.store.now * 1e6))
        self.given: list[Held] = []
        self.offset = 1_000
        for number in range(1, 5):
            self.offer(number, "uncertain", 0.5)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def accepted(self, call: Coroutine[Any, Any, T]) -> tuple[bool, T | None]:
        """Whether the call was accepted, and what it returned."""
        try:
            return True, self.run(call)
        except Superseded:
            return False, None

    def held(self, data: st.DataObject) -> Held:
        """Some claim: one that is the newest of its query, or any that was ever given."""
        newest = [
            (query_id, each.fence, each.holder)
            for query_id, each in self.model.queries.items()
            if each.holder and each.state in OPEN_STATES
        ]
        return data.draw(st.sampled_from(newest * 4 + self.given))

    @rule(number=NUMBERS, lane=LANES, utility=UTILITIES)
    def offer(self, number: int, lane: Lane, utility: float) -> None:
        offered = query(number, lane, utility)
        assert self.run(self.store.queue.offer([offered])) == self.model.offer(offered)

    @rule(reviewer=REVIEWERS, queue=QUEUES, count=st.integers(1, 3))
    def claim(self, reviewer: Reviewer, queue: str, count: int) -> None:
        claims = self.run(self.store.queue.claim(reviewer, [queue], count))
        expected = self.model.claim(reviewer.name, queue, count)
        assert [(each.query, each.fence, each.attempt) for each in claims] == [
            (each.query, each.fence, each.lapses + 1) for each in expected
        ]
        self.given += [(each.query.query_id, each.fence, reviewer.name) for each in claims]

    @there_are_claims
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        query_id, fence, reviewer = self.held(data)
        accepted, _ = self.accepted(self.store.queue.extend(query_id, fence, reviewer))
        assert accepted == self.model.extend(query_id, fence, reviewer)

    @there_are_claims
    @rule(data=st.data(), escalate=st.booleans())
    def give_up(self, data: st.DataObject, escalate: bool) -> None:
        query_id, fence, reviewer = self.held(data)
        if escalate:
            call = self.store.queue.escalate(query_id, fence, reviewer, "unsure")
        else:
            call = self.store.queue.release(query_id, fence, reviewer)
        action = Action.ESCALATE if escalate else Action.RELEASE
        accepted, _ = self.accepted(call)
        assert accepted == self.model.give_up(query_id, fence, reviewer, action)

    @there_are_claims
    @rule(data=st.data(), label=LABELS, key=KEYS, by_another=st.sampled_from([False, False, True]))
    def begin(self, data: st.DataObject, label: str, key: str, by_another: bool) -> None:
        query_id, fence, reviewer = self.held(data)
        if by_another:
            reviewer = "ann" if reviewer == "bob" else "bob"
        _, opened = self.accepted(self.store.queue.begin(query_id, fence, reviewer, label, key))
        expected = self.model.begin(query_id, fence, reviewer, label, key)
        assert (opened.repeated if isinstance(opened, Recording) else opened) == expected

    @there_are_claims
    @rule(data=st.data())
    def abort(self, data: st.DataObject) -> None:
        query_id, fence, reviewer = self.held(data)
        accepted, _ = self.accepted(self.store.queue.abort(query_id, fence, reviewer))
        assert accepted == self.model.abort(query_id, fence, reviewer)

    @there_are_claims
    @rule(data=st.data(), label=LABELS, earlier=st.booleans())
    def settle(self, data: st.DataObject, label: str, earlier: bool) -> None:
        query_id, _, reviewer = self.held(data)
        self.offset += 1
        answer = Answer(query_id, label, reviewer, 2_000 - self.offset if earlier else self.offset)
        assert self.run(self.store.queue.settle([answer])) == [self.model.settle(answer)]

    @rule(seconds=SECONDS, log_read=st.booleans())
    def pass_time(self, seconds: float, log_read: bool) -> None:
        self.run(self.store.advance(seconds))
        self.model.now = round(self.store.now * 1e6)
        moved = self.run(self.store.queue.sweep(self.store.now if log_read else 0.0))
        assert moved == self.model.sweep(self.model.now if log_read else 0)

    @rule()
    def pass_a_lease_unswept(self) -> None:
        self.run(self.store.advance(LIMITS.lease_seconds))
        self.model.now = round(self.store.now * 1e6)

    @invariant()
    def every_query_is_as_modelled(self) -> None:
        for query_id, expected in self.model.queries.items():
            view = self.run(self.store.queue.view(query_id))
            assert (view.query, view.state, view.queue) == (expected.query, expected.state, expected.queue)
            assert (view.fence, view.attempts) == (expected.fence, expected.lapses)
            assert view.answer == expected.answer
            assert {one["reviewer"]: one["label"] for one in view.opinions} == expected.opinions

    @invariant()
    def the_backlog_is_as_modelled(self) -> None:
        status = self.run(self.store.queue.status())
        states = [each.state for each in self.model.queries.values()]
        in_hand = OPEN_STATES - {State.WAITING}
        assert sum(status.waiting.values()) == states.count(State.WAITING)
        assert sum(status.leased.values()) == sum(states.count(state) for state in in_hand)
        assert (status.expired_total, status.dead_total) == (self.model.expired, self.model.dead)


def test_the_queue_behaves_as_its_life_cycle_says(server: str) -> None:
    """Whatever happens in whatever order, on every server the queue does what the table says."""

    class OnThisServer(QueueHistory):
        pass

    OnThisServer.server = server
    run_state_machine_as_test(
        OnThisServer, settings=settings(max_examples=25, stateful_step_count=40, deadline=None)
    )
