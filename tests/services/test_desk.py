"""The desk between a real store and a label log: what it acknowledges, and what a crash leaves behind.

The store is a real Valkey whose clock is moved by hand. The log is a double in memory that can fail before or
after it has taken a record; the real ones are held to the same promises by the contract tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from streamsel.adapters.clock import SystemClock
from streamsel.codec import decode_log_record
from streamsel.metrics import Metrics
from streamsel.ports import Answer, Claim, TopicRefused
from streamsel.records import Label
from streamsel.review.lifecycle import State
from streamsel.review.refusals import (
    DeskUnreachable,
    LabelLogRefused,
    LabelLogUnreachable,
    NotALabel,
    Superseded,
    Unrecorded,
)
from streamsel.services.desk import Desk
from tests.contracts.review_queue_fixtures import SETTINGS, Store, connect, empty_store, query, serving

LABELS = ("fraud", "legitimate")


class Killed(BaseException):
    """The process dies here: nothing that would follow happens."""


class LabelLogDouble:
    """``LabelLog`` in memory. ``before`` and ``after`` are called around each append, and may raise."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.reachable = True
        self._grown = asyncio.Condition()

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        self.before()
        first = len(self.records)
        self.records += records
        async with self._grown:
            self._grown.notify_all()
        self.after()
        return range(first, len(self.records))

    async def read(self, start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        self._check()
        try:
            async with asyncio.timeout(wait_seconds), self._grown:
                await self._grown.wait_for(lambda: len(self.records) > start)
        except TimeoutError:
            return []
        return list(enumerate(self.records))[start : start + max_records]

    async def end(self) -> int:
        self._check()
        return len(self.records)

    async def close(self) -> None:
        """Nothing to close."""

    def labels(self) -> list[Label]:
        return [record for record in map(decode_log_record, self.records) if isinstance(record, Label)]

    def _check(self) -> None:
        if not self.reachable:
            raise LabelLogUnreachable("the broker is away")


def raising(error: BaseException) -> Callable[[], None]:
    """Raises ``error`` the first time it is called."""
    errors = [error]

    def fail() -> None:
        if errors:
            raise errors.pop()

    return fail


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving("valkey") as url:
        yield url


@pytest.fixture
async def store(server: str) -> AsyncIterator[Store]:
    async with empty_store(server) as empty:
        yield empty


@pytest.fixture
def log() -> LabelLogDouble:
    return LabelLogDouble()


@pytest.fixture
def desk(store: Store, log: LabelLogDouble) -> Desk:
    return desk_of(store.queue, log)


def desk_of(queue: Any, log: LabelLogDouble, metrics: Metrics | None = None) -> Desk:
    return Desk(queue, log, LABELS, SystemClock(), metrics or Metrics(), sweep_seconds=0.01)


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[None]:
    """The desk's background at work."""
    work = asyncio.create_task(desk.run())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> None:
    """Returns once the (possibly awaitable) condition holds; fails after a while."""
    async with asyncio.timeout(10):
        while True:
            held = condition()
            if await held if asyncio.iscoroutine(held) else held:
                return
            await asyncio.sleep(0.005)


async def until_state(desk: Desk, claim: Claim, state: State) -> None:
    async def reached() -> bool:
        return (await desk.view(claim.query.query_id)).state == state

    await until(reached)


async def claimed(store: Store, desk: Desk, number: int = 1, reviewer: str = "ann") -> Claim:
    await store.queue.offer([query(number)])
    (claim,) = await desk.claim(reviewer)
    return claim


async def give(
    desk: Desk, claim: Claim, label: str, by: str = "ann", key: str = "key"
) -> tuple[Answer, bool]:
    return await desk.label(claim.query.query_id, claim.fence, by, label, key)


# What a label leads to


async def test_a_label_goes_to_the_log_with_all_that_learning_needs(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """The record is self-contained: the model can be rebuilt from the log alone."""
    claim = await claimed(store, desk)
    answer, replayed = await give(desk, claim, "fraud")
    assert (answer, replayed) == (Answer("q0001", "fraud", "ann", 0), False)
    (record,) = log.labels()
    copied = ("query_id", "event_id", "features", "segments", "lane", "propensity", "probabilities")
    for name in (*copied, "model_version", "decided_at"):
        assert getattr(record, name) == getattr(claim.query, name)
    assert (record.label_id, record.revision) == ("q0001", 1)
    assert (record.label, record.labelled_by, record.source) == ("fraud", "ann", "reviewer")
    assert (await desk.view("q0001")).answer == answer


async def test_i4_a_repeated_label_is_a_replay(store: Store, desk: Desk, log: LabelLogDouble) -> None:
    """It gets the stored answer, and the log nothing more."""
    claim = await claimed(store, desk)
    answer, _ = await give(desk, claim, "fraud")
    assert await give(desk, claim, "fraud") == (answer, True)
    assert len(log.records) == 1


async def test_what_is_no_label_is_refused_before_anything_happens(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """The refusal names the labels there are."""
    claim = await claimed(store, desk)
    with pytest.raises(NotALabel, match="'maybe' is not a label; the labels are fraud, legitimate"):
        await give(desk, claim, "maybe")
    assert (await desk.view("q0001")).state == State.LEASED
    assert log.records == []


async def test_i5_of_a_late_label_and_a_newer_claim_only_the_newer_counts(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """The late one is refused and kept as an opinion."""
    late = await claimed(store, desk)
    await store.advance(SETTINGS.lease_seconds)
    (newer,) = await desk.claim("bob")
    with pytest.raises(Superseded):
        await give(desk, late, "fraud")
    await give(desk, newer, "legitimate", by="bob")
    assert [record.labelled_by for record in log.labels()] == ["bob"]
    assert (await desk.view("q0001")).opinions == [{"reviewer": "ann", "label": "fraud"}]


async def test_two_desks_that_get_the_same_label_at_once_agree(store: Store, log: LabelLogDouble) -> None:
    """A repetition that overtakes its first attempt: one answer counts, and both are told of it."""
    desks = [desk_of(store.queue, log), desk_of(await store.another_queue(), log)]
    claim = await claimed(store, desks[0])
    answers = await asyncio.gather(*(give(desk, claim, "fraud") for desk in desks))
    standing = (await desks[0].view("q0001")).answer
    assert standing is not None
    assert standing.offset == 0
    assert standing in [answer for answer, _ in answers]
    assert {answer.label for answer, _ in answers} == {"fraud"}
    assert {(record.label_id, record.revision) for record in log.labels()} == {("q0001", 1)}


async def test_two_racing_labels_of_one_claim_leave_one(store: Store, log: LabelLogDouble) -> None:
    """Of two different labels under one fence, one counts and the other is refused."""
    desks = [desk_of(store.queue, log), desk_of(await store.another_queue(), log)]
    claim = await claimed(store, desks[0])
    outcomes = await asyncio.gather(
        *(give(desk, claim, label, key=label) for desk, label in zip(desks, LABELS, strict=True)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Superseded", "tuple"]
    (record,) = log.labels()
    assert (await desks[0].view("q0001")).answer == Answer("q0001", record.label, "ann", 0)


async def test_a_label_that_reached_the_log_after_anothers_is_told_so(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """A desk held up past its recording time: the log had a different answer first, and that one stands."""
    claim = await claimed(store, desk)
    other = desk_of(await store.another_queue(), log)
    loop = asyncio.get_running_loop()
    held, go_on = loop.create_future(), loop.create_future()

    class HeldUp(LabelLogDouble):
        async def append(self, records: Sequence[bytes]) -> Sequence[int]:
            held.set_result(None)
            await go_on
            return await log.append(records)

    slow = asyncio.create_task(give(desk_of(store.queue, HeldUp()), claim, "fraud"))
    await held
    await store.advance(SETTINGS.recording_seconds)
    async with running(other):
        await until_state(other, claim, State.WAITING)
    (newer,) = await other.claim("bob")
    answer, _ = await give(other, newer, "legitimate", by="bob")
    go_on.set_result(None)
    with pytest.raises(Superseded, match="an earlier answer"):
        await slow
    assert (await desk.view("q0001")).answer == answer


# Crash points


async def killed(store: Store, log: LabelLogDouble, claim: Claim) -> None:
    """A desk that dies while it labels ``claim`` as fraud, by the faults set on the log."""
    with pytest.raises(Killed):
        await give(desk_of(store.queue, log), claim, "fraud")


async def test_killed_before_the_append_the_query_is_claimed_anew(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """Nothing reached the log: a second desk ends the recording, and the label is asked for again."""
    claim = await claimed(store, desk)
    log.before = raising(Killed())
    await killed(store, log, claim)
    async with running(desk):
        await until(lambda: log_was_read(desk))
        assert await desk.claim("bob") == []
        await store.advance(SETTINGS.recording_seconds)
        await until_state(desk, claim, State.WAITING)
    (newer,) = await desk.claim("bob")
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
    await store.advance(SETTINGS.recording_seconds + SETTINGS.lease_seconds + SETTINGS.expire_seconds)
    assert await desk.claim("bob") == []
    async with running(desk):
        await until_state(desk, claim, State.LABELLED)
    assert await desk.claim("bob") == []
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


def log_was_read(desk: Desk) -> bool:
    return desk._log_settled_at > 0


async def test_while_the_log_is_away_no_recording_is_given_up(
    store: Store, desk: Desk, log: LabelLogDouble
) -> None:
    """Its label may be in the log; that shows, and the recording ends, once the log is back."""
    claim = await claimed(store, desk)
    log.after = raising(Killed())
    await killed(store, log, claim)
    log.reachable = False
    with capture_logs() as logs:
        async with running(desk):
            await store.advance(10 * SETTINGS.recording_seconds)
            await until(lambda: any(entry["event"] == "desk_outage" for entry in logs))
            assert await desk.claim("bob") == []
            assert (await desk.view("q0001")).state == State.RECORDING
            log.reachable = True
            await until_state(desk, claim, State.LABELLED)
            await until(lambda: len(logs) == 2)
    assert [entry["event"] for entry in logs] == ["desk_outage", "desk_recovered"]


# Outages


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

        def lose_the_store() -> None:
            queue._script.registered_client = nowhere

        log.after = lose_the_store
        with capture_logs() as logs:
            answer, replayed = await give(desk, claim, "fraud")
    assert (answer.offset, replayed) == (0, False)
    assert [entry["event"] for entry in logs] == ["answer_not_settled"]
    queue._script.registered_client = client
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
    assert [claim.query.query_id for claim in await desk.claim("ann", count=9)] == ["q0003"]


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


# Claims


async def test_a_waiting_claim_is_answered_when_a_query_is_offered(store: Store, desk: Desk) -> None:
    """At once, though the offer came by another process."""
    other = await store.another_queue()
    waiting = asyncio.create_task(desk.claim("ann", wait_seconds=60))
    await until(lambda: store.queue._subscription is not None)
    await other.offer([query(1)])
    async with asyncio.timeout(3):
        (claim,) = await waiting
    assert claim.query == query(1)


async def test_a_waiting_claim_ends_empty_after_its_time(desk: Desk) -> None:
    """With nothing to review, a long poll ends when it said it would."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    assert await desk.claim("ann", wait_seconds=0.1) == []
    assert 0.09 < loop.time() - before < 3


async def test_queries_claimed_for_one_who_has_hung_up_go_back(store: Store, desk: Desk) -> None:
    """A claim cancelled while the store hands a query out does not leave it with nobody."""
    await store.queue.offer([query(1)])
    asked, handed_out = asyncio.Event(), asyncio.Event()
    claim_of_the_store = store.queue.claim

    async def slow_claim(reviewer: str, queue: str, count: int) -> Sequence[Claim]:
        claims = await claim_of_the_store(reviewer, queue, count)
        asked.set()
        await handed_out.wait()
        return claims

    store.queue.claim = slow_claim  # type: ignore[method-assign]
    claiming = asyncio.create_task(desk.claim("ann"))
    await asked.wait()
    claiming.cancel()
    handed_out.set()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    store.queue.claim = claim_of_the_store  # type: ignore[method-assign]
    assert len(await desk.claim("bob")) == 1


# The background


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
            await store.advance(SETTINGS.lease_seconds)
            await until_state(desk, claim, State.WAITING)
            (claim,) = await desk.claim("ann")
        await store.advance(SETTINGS.lease_seconds)
        await until(lambda: metric("streamsel_queries_dead") == 1)
        assert metric("streamsel_review_backlog", lane="uncertain") == 0
        await store.queue.offer([query(2, lane="explore")])
        await until(lambda: metric("streamsel_review_backlog", lane="explore") == 1)
        assert metric("streamsel_live_reviewers") == 1
        await store.advance(SETTINGS.expire_seconds - 1)
        await until(lambda: metric("streamsel_live_reviewers") == 0)
        assert metric("streamsel_review_oldest_seconds") == pytest.approx(SETTINGS.expire_seconds - 1)
        await store.advance(1)
        await until(lambda: metric("streamsel_queries_expired") == 1)
        assert metric("streamsel_review_backlog", lane="explore") == 0


async def test_the_background_waits_out_a_store_that_is_away(store: Store, desk: Desk) -> None:
    """It goes on by itself, and says once that it stopped and once that it goes on."""
    await store.queue.offer([query(1)])
    script, client = store.queue._script, store.client
    with capture_logs() as logs:
        async with connect("unix:///nonexistent/socket") as nowhere:
            script.registered_client = nowhere
            with pytest.raises(DeskUnreachable):
                await desk.status()
            async with running(desk):
                await until(lambda: len(logs) == 2)
                script.registered_client = client
                await store.advance(SETTINGS.expire_seconds)
                await until(lambda: len(logs) == 4)
                assert (await desk.view("q0001")).state == State.EXPIRED
    assert sorted(entry["event"] for entry in logs) == ["desk_outage"] * 2 + ["desk_recovered"] * 2
