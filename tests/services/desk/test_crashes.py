"""Desks that die between store and log, and what another desk then does."""

from __future__ import annotations

from structlog.testing import capture_logs

from loadtest.inside.fate import Killed
from streamsel.ports import Answer
from streamsel.review.lifecycle import State
from streamsel.services.desk import Desk
from tests.contracts.review_queue.stores import BOB, EXPIRE, LEASE, RECORDING, Store
from tests.services.desk.desks import (
    LabelLogDouble,
    claimed,
    desk_of,
    give,
    killed,
    log_was_read,
    of_the_desk,
    raising,
    running,
    until,
    until_state,
)


async def test_killed_before_the_append_the_query_is_claimed_anew(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """Nothing reached the log: a second desk ends the recording, and the label is asked for again."""
    claim = await claimed(store, desk)
    log.before = raising(Killed())
    await killed(store, log, claim)
    async with running(desk):
        await until(lambda: log_was_read(desk))
        assert await desk.claim(BOB) == []
        await store.advance(RECORDING)
        await until_state(desk, claim, State.WAITING)
    (newer,) = await desk.claim(BOB)
    await give(desk, newer, "legitimate", by="bob")
    assert [record.label for record in log.labels()] == ["legitimate"]


async def test_killed_before_the_append_the_reviewer_may_repeat(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """At once, at another desk, by the same key."""
    claim = await claimed(store, desk)
    log.before = raising(Killed())
    await killed(store, log, claim)
    answer, replayed = await give(desk, claim, "fraud")
    assert not replayed
    assert [record.label for record in log.labels()] == [answer.label] == ["fraud"]


async def test_i7_killed_after_the_append_the_label_is_found_in_the_log(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """A second desk settles it from there; the query is never claimed again; a repetition is a replay."""
    claim = await claimed(store, desk)
    log.after = raising(Killed())
    await killed(store, log, claim)
    await store.advance(RECORDING + LEASE + EXPIRE)
    assert await desk.claim(BOB) == []
    async with running(desk):
        await until_state(desk, claim, State.LABELLED)
    assert await desk.claim(BOB) == []
    assert await give(desk, claim, "fraud") == (Answer("q0001", "fraud", "ann", 0), True)
    assert len(log.records) == 1


async def test_killed_after_the_append_a_repetition_finds_its_own_label(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """Even before any desk follows the log: a repetition reads it first and does not append again."""
    claim = await claimed(store, desk)
    log.after = raising(Killed())
    await killed(store, log, claim)
    assert await give(desk, claim, "fraud") == (Answer("q0001", "fraud", "ann", 0), True)
    assert len(log.records) == 1


async def test_killed_after_the_settling_nothing_is_left_to_do(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """The reviewer who saw no answer repeats, and gets it."""
    claim = await claimed(store, desk)
    await give(desk_of(store.queue, log), claim, "fraud")
    async with running(desk):
        await until(lambda: log_was_read(desk))
        assert await give(desk, claim, "fraud") == (Answer("q0001", "fraud", "ann", 0), True)


async def test_while_the_log_is_away_no_recording_is_given_up(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """Its label may be in the log; that shows, and the recording ends, once the log is back."""
    claim = await claimed(store, desk)

    async def go_away() -> None:
        log.reachable = False

    with capture_logs() as logs:
        async with running(desk):
            await until(lambda: log_was_read(desk))
            log.before, log.after = go_away, raising(Killed())
            await killed(store, log, claim)
            await store.advance(10 * RECORDING)
            await until(lambda: "desk_outage" in of_the_desk(logs))
            assert await desk.claim(BOB) == []
            assert (await desk.view("q0001")).state == State.RECORDING
            log.reachable = True
            await until_state(desk, claim, State.LABELLED)
            await until(lambda: len(of_the_desk(logs)) == 2)
    assert of_the_desk(logs) == ["desk_outage", "desk_recovered"]
