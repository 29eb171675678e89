"""Labels on their way into the log: which count, which are replays, which are opinions."""

from __future__ import annotations

import pytest

from streamsel.ports import Answer, Recording
from streamsel.review.lifecycle import State
from streamsel.review.refusals import Superseded
from tests.contracts.review_queue.stores import (
    BOB,
    EXPIRE,
    LEASE,
    RECORDING,
    Store,
    begin,
    claimed,
    recorded,
    state_of,
)


async def test_i4_a_label_is_accepted_once_and_a_replay_gets_the_stored_answer(store: Store) -> None:
    """The same label again, by the reviewer or by the key, returns the answer and changes nothing."""
    claim = await recorded(store)
    answer = Answer(claim.query.query_id, "fraud", "ann", 7)
    assert await store.queue.settle([answer], 8) == [answer]
    assert await begin(store, claim, "fraud", key="key") == answer
    assert await begin(store, claim, "fraud", key="another key") == answer
    assert await begin(store, claim, "fraud", by="ann’s other login", key="key") == answer
    view = await store.queue.view(claim.query.query_id)
    assert (view.state, view.answer, view.opinions) == (State.LABELLED, answer, [])


async def test_the_key_of_a_label_that_lost_is_no_replay(store: Store) -> None:
    """The log had another's answer: a repetition by the losing key does not pass for it."""
    claim = await recorded(store, "fraud")
    await store.queue.settle([Answer(claim.query.query_id, "legitimate", "bob", 7)])
    with pytest.raises(Superseded):
        await begin(store, claim, "legitimate", key="key")


async def test_a_new_holder_does_not_inherit_a_label_that_was_begun(store: Store) -> None:
    """After a recording lapsed and another claimed, the same label is a first attempt."""
    await recorded(store, "fraud")
    await store.advance(RECORDING)
    await store.queue.sweep(store.now)
    (claim,) = await store.queue.claim(BOB, ["default"], 1)
    opened = await begin(store, claim, "fraud", by="bob")
    assert isinstance(opened, Recording)
    assert not opened.repeated


async def test_a_different_label_after_the_answer_is_an_opinion(store: Store) -> None:
    """Of the one who had it, by whatever key; of whom it was never shown, it is none. The answer stands."""
    claim = await recorded(store)
    answer = Answer(claim.query.query_id, "fraud", "ann", 7)
    await store.queue.settle([answer])
    for reviewer in ("ann", "bob"):
        with pytest.raises(Superseded, match="already has its answer"):
            await begin(store, claim, "legitimate", by=reviewer)
    view = await store.queue.view(claim.query.query_id)
    assert view.answer == answer
    assert view.opinions == [{"reviewer": "ann", "label": "legitimate"}]


async def test_i5_a_late_label_counts_while_nobody_has_claimed_since(store: Store) -> None:
    """The lease lapsed and the query waits again: its last holder may still answer."""
    claim = await claimed(store)
    await store.advance(LEASE)
    assert await store.queue.sweep() == 1
    opened = await begin(store, claim, "fraud")
    assert isinstance(opened, Recording)
    assert await store.queue.claim(BOB, ["default"], 1) == []
    answer = Answer(claim.query.query_id, "fraud", "ann", 0)
    assert await store.queue.settle([answer]) == [answer]


async def test_i5_a_label_after_another_claim_is_refused_and_kept_as_an_opinion(store: Store) -> None:
    """The newest fence decides; what the earlier holder thought is not lost."""
    claim = await claimed(store)
    await store.advance(LEASE)
    (newer,) = await store.queue.claim(BOB, ["default"], 1)
    for _ in range(2):
        with pytest.raises(Superseded, match="claimed again since"):
            await begin(store, claim, "fraud")
    view = await store.queue.view(claim.query.query_id)
    assert (view.state, view.fence) == (State.LEASED, newer.fence)
    assert view.opinions == [{"reviewer": "ann", "label": "fraud"}]


async def test_a_fence_that_was_never_given_leaves_no_opinion(store: Store) -> None:
    """Nobody has an opinion on a query without ever having been shown it."""
    claim = await claimed(store)
    with pytest.raises(Superseded):
        await store.queue.begin(claim.query.query_id, claim.fence + 1, "eve", "fraud", "key")
    assert (await store.queue.view(claim.query.query_id)).opinions == []


async def test_while_a_label_is_recorded_nobody_else_gets_the_query(store: Store) -> None:
    """Neither a claim, nor an extension, nor another label: only the log's word ends it."""
    claim = await recorded(store)
    await store.advance(LEASE + RECORDING + EXPIRE)
    assert await store.queue.claim(BOB, ["default"], 1) == []
    with pytest.raises(Superseded, match="just being recorded"):
        await begin(store, claim, "legitimate")
    with pytest.raises(Superseded):
        await store.queue.release(claim.query.query_id, claim.fence, "ann")
    assert await state_of(store, claim) == State.RECORDING


async def test_a_lapsed_recording_ends_only_when_the_log_was_read_since(store: Store) -> None:
    """Its label may be in the log: whoever sweeps must have settled the log as it was after the deadline."""
    claim = await recorded(store)
    await store.advance(RECORDING)
    deadline = store.now
    await store.advance(1)
    assert await store.queue.sweep(deadline - 0.001) == 0
    assert await store.queue.sweep(deadline) == 1
    view = await store.queue.view(claim.query.query_id)
    assert (view.state, view.attempts) == (State.WAITING, 0)


async def test_a_recording_does_not_lapse_before_its_time(store: Store) -> None:
    """However recently the log was read."""
    await recorded(store)
    await store.advance(RECORDING - 1)
    assert await store.queue.sweep(store.now + 100) == 0


async def test_a_label_begun_again_is_the_same_recording_and_says_so(store: Store) -> None:
    """A repetition goes on, with time anew, and learns that its first attempt may have reached the log."""
    claim = await claimed(store)
    await store.advance(5)
    first = await begin(store, claim, "fraud")
    await store.advance(RECORDING - 1)
    second = await begin(store, claim, "fraud")
    assert isinstance(first, Recording)
    assert isinstance(second, Recording)
    assert (first.repeated, second.repeated) == (False, True)
    assert first.review_seconds == pytest.approx(5)
    await store.advance(RECORDING - 1)
    assert await store.queue.sweep(store.now) == 0


async def test_a_label_the_log_refused_leaves_the_query_with_its_holder(store: Store) -> None:
    """Aborted, it is leased anew: for another label, or for someone else once the lease lapses."""
    claim = await recorded(store)
    await store.advance(RECORDING - 1)
    for _ in range(2):
        await store.queue.abort(claim.query.query_id, claim.fence, "ann")
    assert await state_of(store, claim) == State.LEASED
    await store.advance(LEASE - 1)
    assert await store.queue.sweep() == 0
    opened = await begin(store, claim, "legitimate")
    assert isinstance(opened, Recording)
    assert not opened.repeated
