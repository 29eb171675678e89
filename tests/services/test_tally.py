"""The tally of reviewers follows the label log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

from structlog.testing import capture_logs

from loadtest.inside.virtual_time import LoopClock, in_virtual_time
from streamsel.codec import encode_log_record
from streamsel.records import LogRecord
from streamsel.review.quality import Tally
from streamsel.services.tally import TallyFollower
from tests.core.review_records import answer, gold, opinion
from tests.services.desk.desks import LabelLogDouble

RECORDS: list[LogRecord] = [
    *(gold(right=number % 4 > 0, by="ann", number=number) for number in range(1_000)),
    *(opinion("fine", by, slot, slots=2) for slot, by in enumerate(("ann", "bob"), start=1)),
    answer(by="ann,bob", source="consensus"),
]


class SlowLog(LabelLogDouble):
    """Each record takes a millisecond of the loop's time, so that slices are used up."""

    def __init__(self, clock: LoopClock) -> None:
        super().__init__()
        self._clock = clock

    async def read(self, start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        return _Slow(await super().read(start, max_records, wait_seconds), self._clock)


class _Slow(list[tuple[int, bytes]]):
    def __init__(self, records: Sequence[tuple[int, bytes]], clock: LoopClock) -> None:
        super().__init__(records)
        self._clock = clock

    def __iter__(self):  # type: ignore[no-untyped-def]
        for record in super().__iter__():
            self._clock.spend(0.001)
            yield record


async def stopped(work: asyncio.Task[None]) -> None:
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work


def test_it_has_what_the_log_has_and_goes_on() -> None:
    """From the log's beginning, past what can't be read, to what is appended later; and says where it is."""

    async def scenario() -> None:
        log = LabelLogDouble()
        await log.append([*map(encode_log_record, RECORDS), b"no record"])
        follower = TallyFollower(log, 2, LoopClock())
        whole = follower.tally
        expected = Tally(2)
        for record in [*RECORDS, None]:
            expected.add(record)
        with capture_logs() as logs:
            work = asyncio.create_task(follower.run())
            await follower.reached(len(log.records))
            assert [whole.quality(name) for name in whole.reviewers] == [
                expected.quality(name) for name in expected.reviewers
            ]
            await log.append([encode_log_record(gold(right=True, by="cyd", number=1))])
            await follower.reached(len(log.records))
            assert whole.quality("cyd").gold_asked == 1
            await stopped(work)
        assert [(entry["event"], entry["offset"]) for entry in logs] == [("tallied", len(RECORDS) + 1)]

    in_virtual_time(scenario())


def test_others_run_while_it_reads() -> None:
    """However long the log: every few milliseconds they have their turn. Progress is told in between."""

    async def scenario() -> None:
        clock = LoopClock()
        log = SlowLog(clock)
        await log.append(list(map(encode_log_record, RECORDS)) * 8)
        follower = TallyFollower(log, 2, clock)
        turns: list[int] = []

        async def others() -> None:
            while True:
                turns.append(follower.tally.position)
                await asyncio.sleep(0)

        with capture_logs() as logs:
            work, beside = asyncio.create_task(follower.run()), asyncio.create_task(others())
            await follower.reached(len(log.records))
            await stopped(work)
            await stopped(beside)
        assert max(later - earlier for earlier, later in pairwise(turns)) <= 5
        assert logs[0]["event"] == "tallying"
        assert 0 < logs[0]["offset"] < logs[0]["end"] == len(log.records)

    in_virtual_time(scenario())


def test_an_outage_is_waited_out_and_told_once() -> None:
    """Also one in the middle of catching up."""

    async def scenario() -> None:
        log = LabelLogDouble()
        await log.append(list(map(encode_log_record, RECORDS)))
        log.reachable = False
        follower = TallyFollower(log, 2, LoopClock())
        with capture_logs() as logs:
            work = asyncio.create_task(follower.run())
            await asyncio.sleep(30)
            log.reachable = True
            await follower.reached(len(RECORDS))
            log.reachable = False
            await asyncio.sleep(30)
            log.reachable = True
            await log.append([encode_log_record(answer(query_id="later"))])
            await follower.reached(len(RECORDS) + 1)
            await stopped(work)
        assert [entry["event"] for entry in logs] == ["tally_outage", "tallied", "tally_outage"]

    in_virtual_time(scenario())
