"""The queue on a real server against its model in plain Python, over random histories."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from streamsel.ports import Answer, Recording
from streamsel.records import Lane
from streamsel.review.lifecycle import OPEN_STATES, QUEUES, Action, State
from streamsel.review.refusals import Superseded
from tests.contracts.review_queue_fixtures import (
    SERVERS,
    SETTINGS,
    Store,
    empty_store,
    query,
    serving,
)
from tests.contracts.review_queue_model import ModelQuery, QueueModel

T = TypeVar("T")

LIMITS = replace(SETTINGS, attempts=2)
NUMBERS = st.integers(1, 3)
REVIEWERS = st.sampled_from(["ann", "bob"])
LABELS = st.sampled_from(["fraud", "legitimate"])
KEYS = st.sampled_from(["key 1", "key 2"])
SECONDS = st.sampled_from(
    [0.0, 1.0, SETTINGS.recording_seconds, SETTINGS.lease_seconds, SETTINGS.expire_seconds]
)
"""Moves that end just when something is due, and moves that do not."""


class QueueHistory(RuleBasedStateMachine):
    """After every step the store's queue and the model agree on every query."""

    server: str
    held = Bundle("held")
    """What reviewers believe to hold: (query id, fence, reviewer), stale ones among them."""

    @initialize()
    def start(self) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.store: Store = self.run(self.stack.enter_async_context(empty_store(self.server, LIMITS)))
        self.model = QueueModel(LIMITS, round(self.store.now * 1e6))
        self.offset = 1_000

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def accepted(self, call: Coroutine[Any, Any, T]) -> T | None:
        """What the call returns; ``None`` when it is refused."""
        try:
            return self.run(call)
        except Superseded:
            return None

    @rule(
        number=NUMBERS,
        lane=st.sampled_from(["uncertain", "explore"]),
        utility=st.sampled_from([0.0, 0.5, 1.0]),
    )
    def offer(self, number: int, lane: Lane, utility: float) -> None:
        offered = query(number, lane, utility)
        assert self.run(self.store.queue.offer([offered])) == self.model.offer(offered)

    @rule(target=held, reviewer=REVIEWERS, queue=st.sampled_from(QUEUES), count=st.integers(1, 3))
    def claim(self, reviewer: str, queue: str, count: int) -> Any:
        claims = self.run(self.store.queue.claim(reviewer, queue, count))
        expected = self.model.claim(reviewer, queue, count)
        assert [(each.query, each.fence, each.attempt) for each in claims] == [
            (each.query, each.fence, each.lapses + 1) for each in expected
        ]
        return multiple(*((each.query.query_id, each.fence, reviewer) for each in claims))

    @rule(claim=held, reviewer=st.none() | REVIEWERS)
    def extend(self, claim: tuple[str, int, str], reviewer: str | None) -> None:
        query_id, fence, holder = claim
        extended = self.accepted(self.store.queue.extend(query_id, fence, reviewer or holder))
        assert (extended is not None) == self.model.extend(self.of(query_id), fence, reviewer or holder)

    @rule(claim=held)
    def release(self, claim: tuple[str, int, str]) -> None:
        expected = self.model.give_up(self.of(claim[0]), *claim[1:], Action.RELEASE)
        assert self.not_refused(self.store.queue.release(*claim)) == expected

    @rule(claim=consumes(held))
    def escalate(self, claim: tuple[str, int, str]) -> None:
        expected = self.model.give_up(self.of(claim[0]), *claim[1:], Action.ESCALATE)
        assert self.not_refused(self.store.queue.escalate(*claim, "unsure")) == expected

    @rule(claim=held, reviewer=st.none() | REVIEWERS, label=LABELS, key=KEYS)
    def begin(self, claim: tuple[str, int, str], reviewer: str | None, label: str, key: str) -> None:
        query_id, fence, holder = claim
        opened = self.accepted(self.store.queue.begin(query_id, fence, reviewer or holder, label, key))
        expected = self.model.begin(self.of(query_id), fence, reviewer or holder, label, key)
        assert (opened.repeated if isinstance(opened, Recording) else opened) == expected

    @rule(claim=held)
    def abort(self, claim: tuple[str, int, str]) -> None:
        expected = self.model.abort(self.of(claim[0]), *claim[1:])
        assert self.not_refused(self.store.queue.abort(*claim)) == expected

    @precondition(lambda self: self.model.queries)
    @rule(data=st.data(), label=LABELS, reviewer=REVIEWERS, earlier=st.booleans())
    def settle(self, data: st.DataObject, label: str, reviewer: str, earlier: bool) -> None:
        each = data.draw(st.sampled_from(list(self.model.queries.values())))
        self.offset += 1
        answer = Answer(each.query.query_id, label, reviewer, 2_000 - self.offset if earlier else self.offset)
        assert self.run(self.store.queue.settle([answer])) == [self.model.settle(each, answer)]

    @rule(log_read=st.booleans())
    def sweep(self, log_read: bool) -> None:
        moved = self.run(self.store.queue.sweep(self.store.now if log_read else 0.0))
        assert moved == self.model.sweep(self.model.now if log_read else 0)

    @rule(seconds=SECONDS)
    def advance(self, seconds: float) -> None:
        self.run(self.store.advance(seconds))
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
        assert sum(status.waiting.values()) == states.count(State.WAITING)
        assert sum(status.leased.values()) == sum(
            states.count(state) for state in OPEN_STATES - {State.WAITING}
        )
        assert (status.expired_total, status.dead_total) == (self.model.expired, self.model.dead)

    def of(self, query_id: str) -> ModelQuery:
        return self.model.queries[query_id]

    def not_refused(self, call: Coroutine[Any, Any, None]) -> bool:
        try:
            self.run(call)
        except Superseded:
            return False
        return True


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    with serving(request.param) as socket:
        yield socket


def test_the_queue_behaves_as_its_life_cycle_says(server: str) -> None:
    """Whatever happens in whatever order, on every server the queue does what the table says."""

    class OnThisServer(QueueHistory):
        pass

    OnThisServer.server = server
    run_state_machine_as_test(
        OnThisServer, settings=settings(max_examples=150, stateful_step_count=50, deadline=None)
    )
