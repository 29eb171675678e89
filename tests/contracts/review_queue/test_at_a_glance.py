"""What the desk tells of itself: backlog, age, reviewers, pace."""

from __future__ import annotations

import pytest

from streamsel.ports import Answer
from tests.contracts.review_queue.stores import (
    ANN,
    BOB,
    EXPIRE,
    LEASE,
    SETTINGS,
    Store,
    begin,
    claimed,
    query,
)


async def test_status_counts_by_lane(store: Store) -> None:
    """Waiting and in hand, the age of the oldest, and who is there."""
    await store.queue.offer([query(1, utility=1.0), query(2), query(3, lane="explore")])
    await store.advance(2)
    await store.queue.offer([query(4, lane="explore")])
    await store.advance(3)
    claims = await store.queue.claim(ANN, ["default"], 2)
    await begin(store, claims[0], "fraud")
    status = await store.queue.status()
    assert status.waiting == {"uncertain": 1, "explore": 1}
    assert status.leased == {"uncertain": 1, "explore": 1}
    assert status.oldest_seconds == pytest.approx(5)
    assert status.live_reviewers == 1


async def test_what_was_escalated_does_not_slow_the_others_down(store: Store) -> None:
    """It is seen at the desk, but it is no backlog of the reviewers whom the selectors follow."""
    claim = await claimed(store)
    assert (await store.queue.report("selector", 1.0)).backlog == 1
    await store.queue.escalate(claim.query.query_id, claim.fence, "ann", "unsure")
    await store.advance(5)
    facts, status = await store.queue.report("selector", 1.0), await store.queue.status()
    assert (facts.backlog, facts.oldest_seconds) == (0, 0.0)
    assert (sum(status.waiting.values()), status.oldest_seconds) == (1, 5.0)
    await store.advance(EXPIRE)
    assert await store.queue.sweep() == 1


async def test_an_empty_desk_has_nothing_to_tell(store: Store) -> None:
    """No queries, no reviewers, no pace yet."""
    facts = await store.queue.report("selector", 0.0)
    assert (facts.backlog, facts.oldest_seconds, facts.live_reviewers) == (0, 0.0, 0)
    assert (facts.completions_per_second, facts.mean_review_seconds) == (0.0, None)


async def test_a_reviewer_lives_for_a_window(store: Store) -> None:
    """Whoever claims, in vain too, extends or labels, is there; whoever does not for a window, is not."""
    claim = await claimed(store)
    await store.queue.claim(BOB, ["default"], 1)
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
    await store.queue.claim(ANN, ["default"], 1)
    await store.queue.report("one", 100.5)
    facts = await store.queue.report("two", 20.0)
    assert (facts.events_per_second, facts.selectors, facts.backlog) == (120.5, 2, 2)
    await store.advance(5)
    await store.queue.report("two", 30.0)
    await store.advance(1)
    facts = await store.queue.report("two", 40.0)
    assert (facts.events_per_second, facts.selectors) == (40.0, 1)
