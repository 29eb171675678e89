"""The log or the store fails while a label is given: nothing is lost, nothing doubled."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from loadtest.inside.fate import Killed
from streamsel.ports import Answer, TopicRefused
from streamsel.review.lifecycle import State
from streamsel.review.refusals import LabelLogRefused, LabelLogUnreachable, Unrecorded
from streamsel.services.desk import Desk
from tests.contracts.review_queue.stores import ANN, Store, connect, query
from tests.services.desk.desks import (
    LabelLogDouble,
    claimed,
    give,
    killed,
    log_was_read,
    raising,
    running,
    until,
    until_state,
)


@pytest.mark.parametrize("arrived", [False, True])
async def test_an_unconfirmed_label_is_repeated_without_loss_or_doubling(
    store: Store, desk: Desk, log: LabelLogDouble, arrived: bool
) -> None:
    """Whether or not the log had taken it when it failed to say so."""
    claim = await claimed(store, desk)
    failure = raising(LabelLogUnreachable("timed out"))
    if arrived:
        log.after = failure
    else:
        log.before = failure
    with pytest.raises(Unrecorded, match="please repeat"):
        await give(desk, claim, "fraud")
    assert await give(desk, claim, "fraud") == (Answer("q0001", "fraud", "ann", 0), arrived)
    assert len(log.records) == 1


async def test_a_repetition_while_the_log_is_away_is_unrecorded_too(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """It is not appended blindly; the query stays with its holder."""
    claim = await claimed(store, desk)
    log.before = raising(LabelLogUnreachable("timed out"))
    with pytest.raises(Unrecorded):
        await give(desk, claim, "fraud")
    log.reachable = False
    with pytest.raises(Unrecorded, match="does not answer"):
        await give(desk, claim, "fraud")
    assert log.records == []
    log.reachable = True
    assert await give(desk, claim, "fraud") == (Answer("q0001", "fraud", "ann", 0), False)


async def test_a_label_the_log_refuses_leaves_the_query_in_hand(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """The holder may escalate or release it."""
    claim = await claimed(store, desk)
    log.before = raising(LabelLogRefused("the record is too large"))
    with pytest.raises(Unrecorded, match="does not take the label: the record is too large"):
        await give(desk, claim, "fraud")
    await desk.escalate("q0001", claim.fence, "ann", "too large to label")
    assert (await desk.view("q0001")).queue == "escalated"


async def test_i7_a_label_in_the_log_is_acknowledged_though_the_store_is_gone(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """What the log has counts; once the store is back, a desk that follows the log settles it."""
    claim = await claimed(store, desk)
    client, queue = store.client, store.queue
    async with connect("unix:///nonexistent/socket") as nowhere:

        async def lose_the_store() -> None:
            queue._call.client = nowhere

        log.after = lose_the_store
        with capture_logs() as logs:
            answer, replayed = await give(desk, claim, "fraud")
    assert (answer.offset, replayed) == (0, False)
    assert [entry["event"] for entry in logs] == ["answer_not_settled"]
    queue._call.client = client
    async with running(desk):
        await until_state(desk, claim, State.LABELLED)


async def test_a_store_that_lost_everything_settles_the_log_from_its_beginning(
    store: Store, desk: Desk
) -> None:
    """Queries offered anew after the loss are closed by the answers the log already has."""
    for number in range(3):
        claim = await claimed(store, desk, number)
        await give(desk, claim, "fraud")
    async with running(desk):
        await until(lambda: log_was_read(desk))
    await store.lose_everything()
    await store.queue.offer([query(number) for number in range(4)])
    async with running(desk):
        await until(lambda: position_reached(store, 3))
    assert [claim.query.query_id for claim in await desk.claim(ANN, count=9)] == ["q0003"]


async def position_reached(store: Store, position: int) -> bool:
    return (await store.queue.settled()).position == position


async def test_a_log_shorter_than_what_was_settled_is_refused(store: Store, desk: Desk) -> None:
    """Another log under the same name, or one that lost records: the desk says so and ends."""
    await store.queue.settle([], 12)
    with pytest.raises(TopicRefused, match=r"ends at offset 0, but .* settled it up to 12"):
        await desk.run()


async def test_what_cannot_be_read_in_the_log_is_passed_over(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """One damaged record does not keep the answers after it from being settled."""
    claim = await claimed(store, desk)
    await log.append([b"no label"])
    log.after = raising(Killed())
    await killed(store, log, claim)
    async with running(desk):
        await until_state(desk, claim, State.LABELLED)
    assert (await desk.view("q0001")).answer == Answer("q0001", "fraud", "ann", 1)
