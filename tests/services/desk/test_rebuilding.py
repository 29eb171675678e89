"""The queue made anew from the decisions, less what the label log answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from streamsel.codec import DecisionColumns, encode_decisions, encode_log_record
from streamsel.ports import Claim, SourceUnavailable
from streamsel.records import Query, Retraction
from streamsel.review.reviewers import Reviewer
from streamsel.services.desk import Desk
from streamsel.services.rebuilding import Rebuilt, rebuild
from tests.contracts.review_queue.stores import ANN, BOB, EXPIRE, Store, query
from tests.services.desk.desks import LabelLogDouble, desk_of, give, running, until

AT_ONCE = 20
"""Reviewers claim so many in one call, more than there are queries in any of these tests."""


def decisions(*asked: Query | None) -> Sequence[bytes]:
    """Decisions on as many events: to ask this query, or not to ask."""
    queries = {row: query for row, query in enumerate(asked) if query is not None}
    numbers = np.full(len(asked), 0.5)
    return encode_decisions(
        DecisionColumns(
            topic="events",
            partition=0,
            offsets=range(len(asked)),
            event_ids=[
                f"event {row}" if query is None else query.event_id for row, query in enumerate(asked)
            ],
            decided_at=1.0,
            model_version=0,
            labels=(),
            probabilities=np.empty((len(asked), 0)),
            utilities=numbers,
            threshold=0.5,
            query_fraction=0.1,
            lanes=[0 if query is None else 1 for query in asked],
            propensities=numbers,
            queries=queries,
        )
    )


class Shift:
    """A desk with its store and label log, and the decisions of two partitions."""

    def __init__(self, store: Store, log: LabelLogDouble) -> None:
        self.store, self.log = store, log
        self.desk: Desk = desk_of(store.queue, log)
        self.partitions = LabelLogDouble(), LabelLogDouble()
        self.steps: list[int] = []

    def asked(self, number: int, age: float = 0.0) -> Query:
        """A query decided so many seconds ago."""
        return replace(query(number), decided_at=self.store.now - age)

    async def decided(self, partition: int, *asked: Query | None) -> None:
        """Decided, and offered as a selector would."""
        await self.partitions[partition].append(decisions(*asked))
        await self.store.queue.offer([query for query in asked if query is not None])

    async def claims(self, reviewer: Reviewer = ANN) -> dict[str, Claim]:
        """All that can be claimed, by query id."""
        claims = await self.desk.claim(reviewer, count=AT_ONCE)
        assert len({claim.query.query_id for claim in claims}) == len(claims)
        return {claim.query.query_id: claim for claim in claims}

    async def rebuilt(self) -> Rebuilt:
        """Rebuilt, every step of the progress noted."""

        def watch(total: int) -> Callable[[int], None]:
            self.steps = [total]
            return self.steps.append

        return await rebuild(self.store.queue, self.desk, self.log, self.partitions, EXPIRE, watch)


@pytest.fixture
def shift(store: Store, log: LabelLogDouble) -> Shift:
    """At its beginning."""
    return Shift(store, log)


async def test_what_was_lost_is_back_less_what_is_answered(shift: Shift) -> None:
    """From all partitions; what was held waits again, under a greater fence; nothing answered does."""
    one, two, three, four = (shift.asked(number) for number in range(1, 5))
    await shift.decided(0, None, one, two)
    await shift.decided(1, three, None, None, four)
    held = await shift.claims()
    await give(shift.desk, held[one.query_id], "fraud", key="1")
    await give(shift.desk, held[four.query_id], "fraud", key="4")

    await shift.store.lose_everything()
    assert await shift.rebuilt() == Rebuilt(decisions=7, queries=4, answered=2, expired=0, offered=2)
    assert shift.steps == [7, 3, 4]
    again = await shift.claims(BOB)
    assert {query_id: claim.query for query_id, claim in again.items()} == {
        two.query_id: two,
        three.query_id: three,
    }
    assert all(claim.fence > held[query_id].fence for query_id, claim in again.items())


async def test_a_rebuilt_queue_is_left_as_it_is(shift: Shift) -> None:
    """Rebuilding where nothing was lost, or once more, adds nothing and takes nothing from anybody."""
    one, two = shift.asked(1), shift.asked(2)
    await shift.decided(0, one, two)
    held = await shift.claims()
    await give(shift.desk, held[one.query_id], "fraud")
    assert await shift.rebuilt() == Rebuilt(decisions=2, queries=2, answered=1, expired=0, offered=0)
    assert await shift.claims(BOB) == {}
    await give(shift.desk, held[two.query_id], "fraud", key="2")


async def test_what_is_too_old_is_not_asked(shift: Shift) -> None:
    """By the store's clock, as a query that waits unclaimed."""
    await shift.decided(0, shift.asked(1, age=EXPIRE + 1), shift.asked(2, age=EXPIRE - 60))
    await shift.store.lose_everything()
    assert await shift.rebuilt() == Rebuilt(decisions=2, queries=2, answered=0, expired=1, offered=1)
    assert list(await shift.claims()) == [query(2).query_id]


async def test_a_retracted_label_answers_nothing(shift: Shift) -> None:
    """The newest revision counts: retracted is asked again, labelled anew is not."""
    one, two = shift.asked(1), shift.asked(2)
    await shift.decided(0, one, two)
    held = await shift.claims()
    for asked in (one, two):
        await give(shift.desk, held[asked.query_id], "fraud", key=asked.query_id)
        retraction = Retraction(asked.query_id, 2, "a slip", "ann", 1.0)
        await shift.log.append([encode_log_record(retraction)])
    (first, *_) = shift.log.labels()
    anew = replace(first, label_id=two.query_id, query_id=two.query_id, revision=3)
    await shift.log.append([encode_log_record(anew)])
    await shift.store.lose_everything()
    assert await shift.rebuilt() == Rebuilt(decisions=2, queries=2, answered=1, expired=0, offered=1)
    assert list(await shift.claims(BOB)) == [one.query_id]


async def test_a_label_on_its_way_when_the_store_was_lost_answers_its_query(shift: Shift) -> None:
    """It reaches the log just before its query is offered, and its desk settles it in vain: found after."""
    one = shift.asked(1)
    await shift.decided(0, one)
    held = await shift.claims()
    offer = shift.store.queue.offer

    async def offer_after_the_label(queries: Sequence[Query]) -> int:
        await shift.log.append([encode_log_record(label)])
        return await offer(queries)

    await give(shift.desk, held[one.query_id], "fraud")
    (label,) = shift.log.labels()
    shift.log.records.clear()
    await shift.store.lose_everything()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shift.store.queue, "offer", offer_after_the_label)
        assert (await shift.rebuilt()).offered == 1
    assert await shift.claims(BOB) == {}


async def test_a_decision_that_cannot_be_read_is_passed_over(shift: Shift) -> None:
    """The others are offered; the log says which one."""
    await shift.decided(0, shift.asked(1))
    await shift.partitions[0].append([b'{"kind":"decision","query":{}}'])
    await shift.store.lose_everything()
    assert (await shift.rebuilt()).offered == 1


async def test_a_log_that_falls_silent_is_an_outage(shift: Shift, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing where a record should be is no end: a queue of half the decisions would look whole."""
    await shift.decided(0, shift.asked(1))
    monkeypatch.setattr("streamsel.services.rebuilding._READ_SECONDS", 0.01)

    async def two() -> int:
        return 2

    monkeypatch.setattr(shift.partitions[0], "end", two)
    with pytest.raises(SourceUnavailable, match="offset 1 of a log that ends at 2"):
        await shift.rebuilt()


async def test_beside_a_running_desk(shift: Shift) -> None:
    """The desk follows the log meanwhile, and both arrive at the same."""
    asked = [shift.asked(number) for number in range(1, 7)]
    await shift.decided(0, *asked)
    async with running(shift.desk):
        held = await shift.claims()
        for one in asked[:3]:
            await give(shift.desk, held[one.query_id], "fraud", key=one.query_id)
        await shift.store.lose_everything()
        assert (await shift.rebuilt()).offered == 3

        async def settled() -> bool:
            return (await shift.store.queue.settled()).position == 3

        await until(settled)
        assert set(await shift.claims(BOB)) == {one.query_id for one in asked[3:]}
