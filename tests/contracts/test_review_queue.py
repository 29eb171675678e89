"""What ``ports.ReviewQueue`` promises, over every server it runs on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from streamsel.adapters.redis_desk import RedisReviewQueue
from streamsel.ports import Answer, Claim, Recording, StoreRefused
from streamsel.review.lifecycle import State
from streamsel.review.refusals import DeskUnreachable, Superseded, UnknownQuery
from tests.contracts.review_queue_fixtures import (
    SERVERS,
    SETTINGS,
    Store,
    connect,
    empty_store,
    query,
    serving,
)

LEASE, EXPIRE, RECORDING = SETTINGS.lease_seconds, SETTINGS.expire_seconds, SETTINGS.recording_seconds


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    with serving(request.param) as url:
        yield url


@pytest.fixture
async def store(server: str) -> AsyncIterator[Store]:
    async with empty_store(server) as empty:
        yield empty


async def claimed(store: Store, number: int = 1, reviewer: str = "ann") -> Claim:
    """A query offered and claimed; the only one waiting."""
    await store.queue.offer([query(number)])
    (claim,) = await store.queue.claim(reviewer, "default", 1)
    assert claim.query == query(number)
    return claim


async def recorded(store: Store, label: str = "fraud") -> Claim:
    """A query whose label is on its way into the log."""
    claim = await claimed(store)
    assert isinstance(await begin(store, claim, label), Recording)
    return claim


async def begin(
    store: Store, claim: Claim, label: str, by: str = "ann", key: str = "key"
) -> Recording | Answer:
    return await store.queue.begin(claim.query.query_id, claim.fence, by, label, key)


async def bring_to(store: Store, state: State) -> None:
    """The query ``q0001`` in the given state."""
    await store.queue.offer([query(1)])
    if state == State.WAITING:
        return
    if state == State.EXPIRED:
        await store.advance(EXPIRE)
        await store.queue.sweep()
        return
    (claim,) = await store.queue.claim("ann", "default", 1)
    if state == State.DEAD:
        for _ in range(SETTINGS.attempts):
            await store.advance(LEASE)
            await store.queue.claim("ann", "default", 1)
    elif state != State.LEASED:
        await begin(store, claim, "legitimate")
        if state == State.LABELLED:
            await store.queue.settle([Answer("q0001", "legitimate", "ann", 5)])


async def state_of(store: Store, claim: Claim) -> State:
    return (await store.queue.view(claim.query.query_id)).state


# Offers and claims


async def test_i9_a_query_offered_again_adds_nothing_in_any_state(store: Store) -> None:
    """A redelivered event adds no query: not while it waits, is held, or is finished."""
    assert await store.queue.offer([query(1), query(2), query(1)]) == 2
    assert await store.queue.offer([query(1)]) == 0
    (claim,) = await store.queue.claim("ann", "default", 1)
    assert await store.queue.offer([claim.query]) == 0
    await begin(store, claim, "fraud")
    assert await store.queue.offer([claim.query]) == 0
    await store.queue.settle([Answer(claim.query.query_id, "fraud", "ann", 0)], 1)
    await store.advance(EXPIRE)
    await store.queue.sweep()
    assert await store.queue.offer([query(1), query(2)]) == 0
    assert await store.queue.claim("ann", "default", 9) == []


async def test_a_claim_returns_the_query_as_it_was_offered(store: Store) -> None:
    """Nothing of a query is lost or altered on its way to the reviewer."""
    claim = await claimed(store)
    assert claim.query == query(1)
    assert (claim.queue, claim.attempt, claim.lease_seconds) == ("default", 1, LEASE)
    assert claim.lease_expires_at == pytest.approx(store.now + LEASE)


async def test_many_queries_can_be_offered_at_once(store: Store) -> None:
    """An offer larger than one call to the store arrives whole."""
    assert await store.queue.offer([query(number) for number in range(300)]) == 300
    assert len(await store.queue.claim("ann", "default", 300)) == 300


async def test_the_most_useful_is_claimed_first(store: Store) -> None:
    """Of queries offered together, utility decides."""
    await store.queue.offer([query(1, utility=0.3), query(2, utility=0.9), query(3, utility=0.6)])
    claims = await store.queue.claim("ann", "default", 3)
    assert [claim.query.utility for claim in claims] == [0.9, 0.6, 0.3]


async def test_waiting_makes_up_for_utility(store: Store) -> None:
    """A useless query goes before a useful one that came later than its ageing time."""
    await store.queue.offer([query(1, utility=0.0)])
    await store.advance(SETTINGS.ageing_seconds + 1)
    await store.queue.offer([query(2, utility=1.0)])
    claims = await store.queue.claim("ann", "default", 2)
    assert [claim.query.query_id for claim in claims] == ["q0001", "q0002"]


async def test_exploration_is_not_ranked_by_utility(store: Store) -> None:
    """Explore-lane queries go in the order of their arrival, whatever the model thinks of them."""
    for number, utility in ((1, 0.0), (2, 1.0)):
        await store.queue.offer([query(number, lane="explore", utility=utility)])
        await store.queue.offer([query(number + 10, utility=1.0)])
        await store.advance(1)
    claims = await store.queue.claim("ann", "default", 4)
    assert [claim.query.query_id for claim in claims] == ["q0001", "q0011", "q0002", "q0012"]


async def test_i2_no_two_reviewers_hold_one_query(store: Store) -> None:
    """Reviewers who claim at the same moment, at several desks, get different queries."""
    await store.queue.offer([query(number) for number in range(100)])
    desks = [store.queue, await store.another_queue()]
    claims = await asyncio.gather(*(desks[n % 2].claim(f"reviewer {n}", "default", 3) for n in range(40)))
    given = [claim.query.query_id for some in claims for claim in some]
    assert len(given) == len(set(given)) == 100


async def test_a_claim_from_an_unknown_queue_is_a_mistake(store: Store) -> None:
    """Only the two queues there are can be claimed from."""
    with pytest.raises(ValueError, match="no queue 'urgent': there are default, escalated"):
        await store.queue.claim("ann", "urgent", 1)


# Fences and leases


async def test_i3_fences_only_grow(store: Store) -> None:
    """Every claim of a query has a larger fence, even after the store has lost everything."""
    fences = []
    for _ in range(2):
        claim = await claimed(store)
        fences.append(claim.fence)
        await store.queue.release(claim.query.query_id, claim.fence, "ann")
        (claim,) = await store.queue.claim("ann", "default", 1)
        fences.append(claim.fence)
        await store.lose_everything()
    assert fences == sorted(set(fences))


async def test_i3_who_one_is_does_not_stand_in_for_the_fence(store: Store) -> None:
    """The holder of a query cannot act on it by an older fence of their own."""
    first = await claimed(store)
    await store.queue.release(first.query.query_id, first.fence, "ann")
    (second,) = await store.queue.claim("ann", "default", 1)
    for act in (store.queue.extend, store.queue.release, store.queue.abort):
        with pytest.raises(Superseded):
            await act(first.query.query_id, first.fence, "ann")
    with pytest.raises(Superseded):
        await begin(store, first, "fraud")
    assert (await store.queue.extend(second.query.query_id, second.fence, "ann")).fence == second.fence


async def test_a_fence_does_not_stand_in_for_who_one_is(store: Store) -> None:
    """Another reviewer cannot act on a query by its holder's fence."""
    claim = await claimed(store)
    with pytest.raises(Superseded):
        await store.queue.extend(claim.query.query_id, claim.fence, "bob")
    with pytest.raises(Superseded):
        await begin(store, claim, "fraud", by="bob")
    assert await state_of(store, claim) == State.LEASED


async def test_extending_begins_the_lease_anew(store: Store) -> None:
    """A sign of life shortly before the end keeps the query for another lease."""
    claim = await claimed(store)
    await store.advance(LEASE - 1)
    extended = await store.queue.extend(claim.query.query_id, claim.fence, "ann")
    assert extended == replace(claim, lease_expires_at=extended.lease_expires_at)
    assert extended.lease_expires_at == pytest.approx(store.now + LEASE)
    await store.advance(LEASE - 1)
    assert await store.queue.sweep() == 0


async def test_i6_a_lapsed_lease_can_be_claimed_by_another(store: Store) -> None:
    """With its holder and their process gone, a claim alone ends a lapsed lease and takes it."""
    first = await claimed(store)
    await store.advance(LEASE)
    (second,) = await (await store.another_queue()).claim("bob", "default", 1)
    assert second.query == first.query
    assert second.attempt == 2
    assert second.fence > first.fence


async def test_i6_a_query_is_given_up_after_the_last_attempt(store: Store) -> None:
    """It is dead after so many lapsed leases, with the reason, and counted."""
    await store.queue.offer([query(1)])
    for _ in range(SETTINGS.attempts):
        assert len(await store.queue.claim("ann", "default", 1)) == 1
        await store.advance(LEASE)
    assert await store.queue.claim("ann", "default", 1) == []
    view = await store.queue.view("q0001")
    assert (view.state, view.attempts) == (State.DEAD, 3)
    assert view.reason == "3 leases lapsed without an answer"
    assert (await store.queue.status()).dead_total == 1


async def test_i10_only_the_stores_clock_ends_leases(server: str) -> None:
    """However much time passes here, a lease lasts until the store's clock has passed its end."""
    async with empty_store(server, replace(SETTINGS, lease_seconds=0.001)) as store:
        claim = await claimed(store)
        before = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < before + 0.01:
            assert await store.queue.sweep() == 0
        await store.advance(0.001)
        assert await store.queue.sweep() == 1
        assert await state_of(store, claim) == State.WAITING


async def test_a_released_query_is_claimable_at_once_and_keeps_its_place(store: Store) -> None:
    """Giving a query back is no attempt, and does not send it to the end of the queue."""
    first = await claimed(store)
    await store.advance(1)
    await store.queue.offer([query(2)])
    await store.queue.release(first.query.query_id, first.fence, "ann")
    await store.queue.release(first.query.query_id, first.fence, "ann")
    (second,) = await store.queue.claim("bob", "default", 1)
    assert (second.query, second.attempt) == (first.query, 1)


async def test_an_escalated_query_waits_in_its_own_queue_with_the_reason(store: Store) -> None:
    """It leaves the default queue; anyone may take it from the escalated one, by a new claim."""
    first = await claimed(store)
    for _ in range(2):
        await store.queue.escalate(first.query.query_id, first.fence, "ann", "needs a lawyer")
    assert await store.queue.claim("bob", "default", 1) == []
    assert (await store.queue.view("q0001")).reason == "needs a lawyer"
    (second,) = await store.queue.claim("ann", "escalated", 1)
    assert second.queue == "escalated"
    assert second.fence > first.fence
    await store.queue.release(second.query.query_id, second.fence, "ann")
    assert len(await store.queue.claim("bob", "escalated", 1)) == 1


async def test_one_who_gave_a_query_up_cannot_label_it(store: Store) -> None:
    """Released or escalated, the old claim no longer counts though nobody has claimed the query since."""
    for give_up in ("release", "escalate"):
        claim = await claimed(store)
        if give_up == "release":
            await store.queue.release(claim.query.query_id, claim.fence, "ann")
        else:
            await store.queue.escalate(claim.query.query_id, claim.fence, "ann", "unsure")
        with pytest.raises(Superseded, match="this claim has ended"):
            await begin(store, claim, "fraud")
        await store.lose_everything()


# Expiry


async def test_an_unclaimed_query_expires_with_the_reason(store: Store) -> None:
    """It leaves the queue after its time, and is counted."""
    await store.queue.offer([query(1)])
    await store.advance(EXPIRE - 1)
    assert await store.queue.sweep() == 0
    await store.advance(1)
    assert await store.queue.sweep() == 1
    view = await store.queue.view("q0001")
    assert (view.state, view.reason) == (State.EXPIRED, "unclaimed for 600 seconds")
    assert (await store.queue.status()).expired_total == 1
    assert await store.queue.claim("ann", "default", 1) == []


async def test_a_query_in_hand_does_not_expire_and_then_waits_anew(store: Store) -> None:
    """Expiry is measured from when the query last began to wait."""
    claim = await claimed(store)
    while store.now < 1_800_000_000 + EXPIRE:
        await store.advance(LEASE - 1)
        await store.queue.extend(claim.query.query_id, claim.fence, "ann")
    await store.queue.release(claim.query.query_id, claim.fence, "ann")
    await store.advance(EXPIRE - 1)
    assert await store.queue.sweep() == 0
    await store.advance(1)
    assert await store.queue.sweep() == 1


async def test_one_call_moves_a_bounded_number(store: Store) -> None:
    """A great many lapsed leases and expired queries are worked off 64 at a time."""
    await store.queue.offer([query(number) for number in range(150)])
    assert len(await store.queue.claim("ann", "default", 50)) == 50
    await store.advance(EXPIRE)
    assert [await store.queue.sweep() for _ in range(4)] == [64, 64, 22, 0]
    assert (await store.queue.status()).waiting == {"uncertain": 50}


async def test_a_finished_query_is_forgotten_after_its_time(store: Store) -> None:
    """Finished queries leave the store by themselves."""
    claim = await recorded(store)
    await store.queue.settle([Answer(claim.query.query_id, "fraud", "ann", 0)])
    left = await store.client.pttl(f"{{test}}:query:{claim.query.query_id}")
    assert 0 < left <= SETTINGS.retain_seconds * 1000


# Labels


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
    (claim,) = await store.queue.claim("bob", "default", 1)
    opened = await begin(store, claim, "fraud", by="bob")
    assert isinstance(opened, Recording)
    assert not opened.repeated


async def test_a_different_label_after_the_answer_is_an_opinion(store: Store) -> None:
    """Whoever gives it and by whatever key: the answer stands."""
    claim = await recorded(store)
    answer = Answer(claim.query.query_id, "fraud", "ann", 7)
    await store.queue.settle([answer])
    for reviewer in ("ann", "bob"):
        with pytest.raises(Superseded, match="already has its answer"):
            await begin(store, claim, "legitimate", by=reviewer)
    view = await store.queue.view(claim.query.query_id)
    assert view.answer == answer
    assert view.opinions == [
        {"reviewer": "ann", "label": "legitimate"},
        {"reviewer": "bob", "label": "legitimate"},
    ]


async def test_i5_a_late_label_counts_while_nobody_has_claimed_since(store: Store) -> None:
    """The lease lapsed and the query waits again: its last holder may still answer."""
    claim = await claimed(store)
    await store.advance(LEASE)
    assert await store.queue.sweep() == 1
    opened = await begin(store, claim, "fraud")
    assert isinstance(opened, Recording)
    assert await store.queue.claim("bob", "default", 1) == []
    answer = Answer(claim.query.query_id, "fraud", "ann", 0)
    assert await store.queue.settle([answer]) == [answer]


async def test_i5_a_label_after_another_claim_is_refused_and_kept_as_an_opinion(store: Store) -> None:
    """The newest fence decides; what the earlier holder thought is not lost."""
    claim = await claimed(store)
    await store.advance(LEASE)
    (newer,) = await store.queue.claim("bob", "default", 1)
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
    assert await store.queue.claim("bob", "default", 1) == []
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


@pytest.mark.parametrize("state", list(State))
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


async def test_calls_that_name_an_unknown_query_are_refused(store: Store) -> None:
    """All of them, alike."""
    queue = store.queue
    for call in (
        queue.extend("none", 1, "ann"),
        queue.release("none", 1, "ann"),
        queue.escalate("none", 1, "ann", "unsure"),
        queue.begin("none", 1, "ann", "fraud", "key"),
        queue.abort("none", 1, "ann"),
        queue.view("none"),
    ):
        with pytest.raises(UnknownQuery):
            await call


# Word of new work


async def wakes(store: Store, waiter: RedisReviewQueue) -> asyncio.Task[None]:
    """Waits for work, the subscription being there already."""
    await waiter.wait_for_work(10)
    waiting = asyncio.create_task(waiter.wait_for_work(10))
    await store.queue.settled()
    assert not waiting.done()
    return waiting


@pytest.mark.parametrize("cause", ["offer", "release", "escalate", "lapse"])
async def test_waiting_ends_at_once_when_there_is_work(store: Store, cause: str) -> None:
    """At another desk than the one by which the query came."""
    claim = None if cause == "offer" else await claimed(store)
    other = await store.another_queue()
    async with asyncio.timeout(5):
        waiting = await wakes(store, other)
        if claim is None:
            await store.queue.offer([query(1)])
        elif cause == "release":
            await store.queue.release(claim.query.query_id, claim.fence, "ann")
        elif cause == "escalate":
            await store.queue.escalate(claim.query.query_id, claim.fence, "ann", "unsure")
        else:
            await store.advance(LEASE)
            await store.queue.sweep()
        await waiting
    await other.close()


async def test_waiting_ends_after_its_time(store: Store) -> None:
    """Without work, too."""
    await store.queue.wait_for_work(10)
    before = asyncio.get_running_loop().time()
    await store.queue.wait_for_work(0.05)
    assert 0.04 < asyncio.get_running_loop().time() - before < 5


async def test_a_lost_subscription_wakes_who_waits_and_comes_back(store: Store) -> None:
    """Word may have been lost meanwhile, so whoever waits looks again; later word arrives."""
    async with asyncio.timeout(10):
        waiting = await wakes(store, store.queue)
        await store.client.client_kill_filter(_type="pubsub")
        await waiting
        again = asyncio.create_task(store.queue.wait_for_work(10))
        await store.queue.settled()
        await store.queue.offer([query(1)])
        await again


# The desk at a glance


async def test_status_counts_by_lane(store: Store) -> None:
    """Waiting and in hand, the age of the oldest, and who is there."""
    await store.queue.offer([query(1, utility=1.0), query(2), query(3, lane="explore")])
    await store.advance(2)
    await store.queue.offer([query(4, lane="explore")])
    await store.advance(3)
    claims = await store.queue.claim("ann", "default", 2)
    await begin(store, claims[0], "fraud")
    status = await store.queue.status()
    assert status.waiting == {"uncertain": 1, "explore": 1}
    assert status.leased == {"uncertain": 1, "explore": 1}
    assert status.oldest_seconds == pytest.approx(5)
    assert status.live_reviewers == 1


async def test_an_empty_desk_has_nothing_to_tell(store: Store) -> None:
    """No queries, no reviewers, no pace yet."""
    facts = await store.queue.report("selector", 0.0)
    assert (facts.backlog, facts.oldest_seconds, facts.live_reviewers) == (0, 0.0, 0)
    assert (facts.completions_per_second, facts.mean_review_seconds) == (0.0, None)


async def test_a_reviewer_lives_for_a_window(store: Store) -> None:
    """Whoever claims, in vain too, extends or labels, is there; whoever does not for a window, is not."""
    claim = await claimed(store)
    await store.queue.claim("bob", "default", 1)
    await store.advance(LEASE - 1)
    await store.queue.extend(claim.query.query_id, claim.fence, "ann")
    assert (await store.queue.status()).live_reviewers == 2
    await store.advance(SETTINGS.window_seconds - LEASE + 1)
    assert (await store.queue.status()).live_reviewers == 1


async def test_the_pace_is_measured(store: Store) -> None:
    """Answers a second over the window, and the mean time from claim to label."""
    for number in range(600):
        claim = await claimed(store, number)
        await store.advance(0.5)
        await begin(store, claim, "fraud")
        await store.queue.settle([Answer(claim.query.query_id, "fraud", "ann", number)])
    status = await store.queue.status()
    assert status.completions_per_second == pytest.approx(2.0, rel=0.05)
    assert status.mean_review_seconds == pytest.approx(0.5)
    await store.advance(5 * SETTINGS.window_seconds)
    assert (await store.queue.status()).completions_per_second < 0.01


async def test_all_selectors_see_the_same_facts(store: Store) -> None:
    """Their event rates add up; one that is silent for longer than five seconds drops out."""
    await store.queue.offer([query(1), query(2)])
    await store.queue.claim("ann", "default", 1)
    await store.queue.report("one", 100.5)
    facts = await store.queue.report("two", 20.0)
    assert (facts.events_per_second, facts.selectors, facts.backlog) == (120.5, 2, 2)
    await store.advance(5)
    await store.queue.report("two", 30.0)
    await store.advance(1)
    facts = await store.queue.report("two", 40.0)
    assert (facts.events_per_second, facts.selectors) == (40.0, 1)


# The store


async def test_the_store_may_forget_the_script(store: Store) -> None:
    """After a restart of the server the script is loaded again by itself."""
    await store.queue.offer([query(1)])
    await store.client.script_flush()
    assert len(await store.queue.claim("ann", "default", 1)) == 1


async def test_out_of_memory_nothing_is_changed(store: Store) -> None:
    """A store without room refuses whole calls: no query is lost half way."""
    await store.queue.offer([query(1)])
    await store.client.config_set("maxmemory", "1")
    try:
        with pytest.raises(DeskUnreachable):
            await store.queue.claim("ann", "default", 1)
    finally:
        await store.client.config_set("maxmemory", "0")
    assert len(await store.queue.claim("ann", "default", 1)) == 1


async def test_a_store_that_evicts_is_refused(store: Store) -> None:
    """Evicting keys would lose queries silently; the message names the setting."""
    await store.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(StoreRefused, match=r"maxmemory-policy is allkeys-lru.*must be noeviction"):
            await store.queue.check()
    finally:
        await store.client.config_set("maxmemory-policy", "noeviction")


async def test_a_store_that_does_not_persist_is_warned_of(store: Store) -> None:
    """Once at the start, and not when it does."""
    with capture_logs() as logs:
        await store.queue.check()
    assert [entry["event"] for entry in logs] == ["desk_store_not_persistent"]
    await store.client.config_set("appendonly", "yes")
    try:
        with capture_logs() as logs:
            await store.queue.check()
        assert logs == []
    finally:
        await store.client.config_set("appendonly", "no")


async def test_an_unreachable_store_is_told_as_such() -> None:
    """Every call, in the desk's own words rather than the client library's."""
    async with connect("unix:///nonexistent/socket") as client:
        queue = RedisReviewQueue(client, "test", SETTINGS)
        for call in (
            queue.check(),
            queue.offer([query(1)]),
            queue.claim("ann", "default", 1),
            queue.begin("q0001", 1, "ann", "fraud", "key"),
            queue.settle([]),
            queue.settled(),
            queue.sweep(),
            queue.view("q0001"),
            queue.status(),
            queue.report("selector", 1.0),
        ):
            with pytest.raises(DeskUnreachable):
                await call
