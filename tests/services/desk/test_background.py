"""Long polls, and what goes on without anyone's call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from streamsel.metrics import Metrics
from streamsel.ports import Claim
from streamsel.review.lifecycle import State
from streamsel.review.refusals import DeskUnreachable
from streamsel.review.reviewers import Reviewer
from streamsel.services.desk import Desk
from tests.contracts.review_queue.stores import ANN, BOB, EXPIRE, LEASE, SETTINGS, Store, connect, query
from tests.services.desk.desks import (
    LabelLogDouble,
    claimed,
    desk_of,
    of_the_desk,
    running,
    until,
    until_state,
)


async def test_a_waiting_claim_is_answered_when_a_query_is_offered(store: Store, desk: Desk) -> None:
    """At once, though the offer came by another process."""
    other = await store.another_queue()
    waiting = asyncio.create_task(desk.claim(ANN, wait_seconds=60))
    await until(lambda: store.queue._work._subscription is not None)
    await other.offer([query(1)])
    async with asyncio.timeout(30):
        (claim,) = await waiting
    assert claim.query == query(1)


async def test_a_waiting_claim_ends_empty_after_its_time(desk: Desk) -> None:
    """With nothing to review, a long poll ends when it said it would."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    assert await desk.claim(ANN, wait_seconds=0.1) == []
    assert 0.09 < loop.time() - before < 3


async def test_queries_claimed_for_one_who_has_hung_up_go_back(store: Store, desk: Desk) -> None:
    """A claim cancelled while the store hands a query out does not leave it with nobody."""
    await store.queue.offer([query(1)])
    asked, handed_out = asyncio.Event(), asyncio.Event()
    claim_of_the_store = store.queue.claim

    async def slow_claim(reviewer: Reviewer, queues: Sequence[str], count: int) -> Sequence[Claim]:
        claims = await claim_of_the_store(reviewer, queues, count)
        asked.set()
        await handed_out.wait()
        return claims

    store.queue.claim = slow_claim  # type: ignore[method-assign]
    claiming = asyncio.create_task(desk.claim(ANN))
    await asked.wait()
    claiming.cancel()
    handed_out.set()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    store.queue.claim = claim_of_the_store  # type: ignore[method-assign]
    assert len(await desk.claim(BOB)) == 1


async def test_i6_the_background_ends_what_has_lapsed_and_counts_what_is_lost(
    store: Store, log: LabelLogDouble
) -> None:
    """Without a single claim: leases end, queries expire or are given up, and the metrics tell."""
    metrics = Metrics()
    desk = desk_of(store.queue, log, metrics)

    def metric(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, labels)

    async with running(desk):
        claim = await claimed(store, desk, 1)
        await until(lambda: metric("streamsel_review_backlog", lane="uncertain") == 1)
        for _ in range(SETTINGS.attempts - 1):
            await store.advance(LEASE)
            await until_state(desk, claim, State.WAITING)
            (claim,) = await desk.claim(ANN)
        await store.advance(LEASE)
        await until(lambda: metric("streamsel_queries_dead") == 1)
        assert metric("streamsel_review_backlog", lane="uncertain") == 0
        await store.queue.offer([query(2, lane="explore")])
        await until(lambda: metric("streamsel_review_backlog", lane="explore") == 1)
        assert metric("streamsel_live_reviewers") == 1
        await store.advance(EXPIRE - 1)
        await until(lambda: metric("streamsel_live_reviewers") == 0)
        assert metric("streamsel_review_oldest_seconds") == pytest.approx(EXPIRE - 1)
        await store.advance(1)
        await until(lambda: metric("streamsel_queries_expired") == 1)
        assert metric("streamsel_review_backlog", lane="explore") == 0


async def test_the_background_waits_out_a_store_that_is_away(store: Store, desk: Desk) -> None:
    """It goes on by itself, and says once that it stopped and once that it goes on."""
    await store.queue.offer([query(1)])
    script, client = store.queue._call, store.client
    with capture_logs() as logs:
        async with connect("unix:///nonexistent/socket") as nowhere:
            script.client = nowhere
            with pytest.raises(DeskUnreachable):
                await desk.status()
            async with running(desk):
                await until(lambda: len(of_the_desk(logs)) == 2)
                script.client = client
                await store.advance(EXPIRE)
                await until(lambda: len(of_the_desk(logs)) == 4)
                assert (await desk.view("q0001")).state == State.EXPIRED
    assert sorted(of_the_desk(logs)) == ["desk_outage"] * 2 + ["desk_recovered"] * 2
