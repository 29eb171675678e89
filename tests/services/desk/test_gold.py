"""Questions whose answers are known, and the floor under which a reviewer is paused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from streamsel.ports import Answer
from streamsel.review.refusals import Paused
from streamsel.services.desk import Desk
from tests.contracts.review_queue.stores import ANN, BOB, Store, query
from tests.services.desk.desks import LabelLogDouble, give, running, until
from tests.services.desk.panels import FLOOR, gold_queries, opinions, overlapping, panel_desk


@pytest.fixture
async def store(server: str) -> AsyncIterator[Store]:
    """In which every claim is a question with a known answer, as long as there are any."""
    async with overlapping(server, reviewers=1, gold_share=1.0) as empty:
        yield empty


@pytest.fixture
def strict_desk(store: Store, log: LabelLogDouble) -> Desk:
    """A desk with a floor."""
    return panel_desk(store, log, floor=FLOOR)


async def answer_gold(desk: Desk, label: str, count: int, reviewer: str = "ann") -> None:
    for _ in range(count):
        (claim,) = await desk.claim(ANN if reviewer == "ann" else BOB)
        await give(desk, claim, label, by=reviewer, key=claim.query.query_id)


async def test_an_answer_to_gold_is_an_opinion_and_no_label(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """With the known answer beside it; asked of each reviewer once; a repetition is a replay."""
    await desk.set_gold(gold_queries(1))
    await store.queue.offer([query(1)])
    (claim,) = await desk.claim(ANN)
    answer, replayed = await give(desk, claim, "legitimate")
    assert (answer.kind, replayed) == ("gold", False)
    assert await give(desk, claim, "legitimate") == (answer, True)
    (opinion,) = opinions(log)
    assert (opinion.kind, opinion.label, opinion.expected) == ("gold", "legitimate", "fraud")
    assert opinion.label_id == "q1000~ann"
    assert log.labels() == []
    (after,) = await desk.claim(ANN)
    assert after.query.query_id == "q0001"
    (of_bob,) = await desk.claim(BOB)
    assert of_bob.query.query_id == "q1000"


async def test_one_below_the_floor_is_paused_with_the_reason(strict_desk: Desk, log: LabelLogDouble) -> None:
    """After enough wrong answers, for a lead to see; one who is right goes on."""
    await strict_desk.set_gold(gold_queries(8))
    with capture_logs() as logs:
        async with running(strict_desk):
            await answer_gold(strict_desk, "legitimate", FLOOR.least - 1)
            await answer_gold(strict_desk, "fraud", FLOOR.least, "bob")
            assert len(await strict_desk.claim(ANN)) == 1
            await answer_gold(strict_desk, "legitimate", 1)
            await until(lambda: "reviewer_paused" in [entry["event"] for entry in logs])
            with pytest.raises(Paused, match=r"0% of 4 questions with known answers were right \(95 %"):
                await strict_desk.claim(ANN)
            assert len(await strict_desk.claim(BOB)) == 1
            ann, bob = await strict_desk.reviewers()
    assert ann.activity.paused is not None
    assert "80% are needed" in ann.activity.paused
    assert (ann.quality.gold_accuracy, bob.quality.gold_accuracy) == (0.0, 1.0)
    assert bob.activity.paused is None
    assert len(opinions(log)) == 2 * FLOOR.least


async def test_one_let_go_on_is_judged_again_at_the_next_mistake(store: Store, strict_desk: Desk) -> None:
    """A right answer leaves them be, though the figure is still below the floor."""
    await strict_desk.set_gold(gold_queries(8))
    async with running(strict_desk):
        await answer_gold(strict_desk, "legitimate", FLOOR.least)
        await until(lambda: _is_paused(strict_desk))
        await strict_desk.resume("ann")
        await answer_gold(strict_desk, "fraud", 1)
        await until(lambda: _settled(store, FLOOR.least + 1))
        assert not await _is_paused(strict_desk)
        await answer_gold(strict_desk, "legitimate", 1)
        await until(lambda: _is_paused(strict_desk))


async def test_a_leads_reason_for_a_pause_is_left(store: Store, strict_desk: Desk) -> None:
    """The floor adds nothing to it."""
    await strict_desk.set_gold(gold_queries(FLOOR.least))
    claims = [claim for _ in range(FLOOR.least) for claim in await strict_desk.claim(ANN)]
    await strict_desk.pause("ann", "on leave")
    async with running(strict_desk):
        for claim in claims:
            await give(strict_desk, claim, "legitimate", key=claim.query.query_id)
        await until(lambda: _settled(store, FLOOR.least))
    (ann,) = await strict_desk.reviewers()
    assert ann.activity.paused == "on leave"


async def test_gold_can_be_corrected_and_undone_like_any_other(desk: Desk, log: LabelLogDouble) -> None:
    """Nothing tells a reviewer which query it was; what counts is the newest answer."""
    await desk.set_gold(gold_queries(1))
    await answer_gold(desk, "legitimate", 1)
    corrected = await desk.correct("q1000", 1, ANN, "fraud")
    assert corrected == Answer("q1000", "fraud", "ann", 1, 2, "gold")
    (past,) = await desk.answers("ann")
    assert past.answer == corrected
    claim = await desk.undo("q1000", 2, "ann")
    await give(desk, claim, "legitimate", key="again")
    first, second, last = opinions(log)
    assert [one.revision for one in (first, second, last)] == [1, 2, 4]
    assert [one.expected for one in (first, second, last)] == ["fraud"] * 3
    async with running(desk):
        await until(lambda: desk._follower.tally.position == len(log.records))
    quality = desk._follower.tally.quality("ann")
    assert (quality.gold_asked, quality.gold_accuracy) == (1, 0.0)


async def _is_paused(desk: Desk) -> bool:
    return any(one.activity.name == "ann" and one.activity.paused for one in await desk.reviewers())


async def _settled(store: Store, position: int) -> bool:
    return (await store.queue.settled()).position >= position
