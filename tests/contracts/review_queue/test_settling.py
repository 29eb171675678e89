"""The log's word: it closes queries in any state."""

from __future__ import annotations

import pytest

from streamsel.ports import Answer
from streamsel.review.lifecycle import State
from tests.contracts.review_queue.stores import (
    ANN,
    EXPIRE,
    LEASE,
    SETTINGS,
    Store,
    begin,
    query,
)


async def bring_to(store: Store, state: State) -> None:
    """The query ``q0001`` in the given state."""
    await store.queue.offer([query(1)])
    if state == State.WAITING:
        return
    if state == State.EXPIRED:
        await store.advance(EXPIRE)
        await store.queue.sweep()
        return
    (claim,) = await store.queue.claim(ANN, ["default"], 1)
    if state == State.DEAD:
        for _ in range(SETTINGS.attempts):
            await store.advance(LEASE)
            await store.queue.claim(ANN, ["default"], 1)
    elif state != State.LEASED:
        await begin(store, claim, "legitimate")
        if state == State.LABELLED:
            await store.queue.settle([Answer("q0001", "legitimate", "ann", 5)])


@pytest.mark.parametrize("state", [state for state in State if state != State.OPINED])
async def test_the_log_closes_a_query_in_any_state(store: Store, state: State) -> None:
    """Whatever the desk knew: the log is the truth."""
    await bring_to(store, state)
    assert (await store.queue.view("q0001")).state == state
    answer = Answer("q0001", "fraud", "bob", 3)
    assert await store.queue.settle([answer], 4) == [answer]
    view = await store.queue.view("q0001")
    assert (view.state, view.answer) == (State.LABELLED, answer)


async def test_the_answer_that_stands_is_the_first_in_the_log(store: Store) -> None:
    """In whatever order the desks learn of two answers, they agree with whoever reads the log."""
    await store.queue.offer([query(1)])
    later, earlier = Answer("q0001", "fraud", "ann", 9), Answer("q0001", "legitimate", "bob", 4)
    assert await store.queue.settle([later]) == [later]
    assert await store.queue.settle([earlier]) == [earlier]
    assert await store.queue.settle([later]) == [earlier]


async def test_answers_to_unknown_queries_are_left_out(store: Store) -> None:
    """A desk that has lost its store settles what it knows, and remembers how far it has read."""
    await store.queue.offer([query(2)])
    answers = [Answer(f"q{number:04d}", "fraud", "ann", number) for number in range(300)]
    assert await store.queue.settle(answers, 300) == [answers[2]]
    assert (await store.queue.settled()).position == 300


async def test_the_settled_position_never_goes_back(store: Store) -> None:
    """A desk that settles late does not make others settle again."""
    assert (await store.queue.settled()).position == 0
    await store.queue.settle([], 12)
    await store.queue.settle([], 5)
    settled = await store.queue.settled()
    assert settled.position == 12
    assert settled.at == pytest.approx(store.now)
