"""Writing the audit log: durable on return, many at once in one append, and whole after an outage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisKeptLog
from streamsel.ports import SourceUnavailable
from streamsel.review.audit import Entry
from streamsel.services.audit import Audit, Unaudited
from streamsel.services.audit_reading import RECORDS_A_READ, latest, verify
from tests.services.callers import ANA, BEN


class WatchedLog(RedisKeptLog):
    """A real log that counts its appends, can hold them up, and can lose their acknowledgements."""

    def __init__(self, streams: RedisStreams) -> None:
        super().__init__(streams, streams.audit)
        self.appends: list[int] = []
        self.open = asyncio.Event()
        self.open.set()
        self.begun = asyncio.Event()
        self.unanswered = 0
        self.unsent = 0

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        self.begun.set()
        await self.open.wait()
        self.appends.append(len(records))
        if self.unsent:
            self.unsent -= 1
            raise SourceUnavailable("nobody there")
        offsets = await super().append(records)
        if self.unanswered:
            self.unanswered -= 1
            raise SourceUnavailable("no answer")
        return offsets


@pytest.fixture
async def log(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[WatchedLog]:
    log = WatchedLog(RedisStreams(valkey.url, prefix))
    yield log
    await log.close()


async def noted(log: WatchedLog) -> list[Entry]:
    """What is in the log, without the openings."""
    return [entry for entry in await latest(log, 10_000) if entry.action != "opened chain"]


async def test_an_entry_says_who_did_what_to_which_query(log: WatchedLog) -> None:
    """In the role they had, with the time, and is in the log on return."""
    await Audit(log, SystemClock()).note(ANA, "labelled", "9f2c", {"label": "fraud", "fence": 3})
    (entry,) = await noted(log)
    assert (entry.who, entry.role, entry.action, entry.query_id) == ("ana", "reviewer", "labelled", "9f2c")
    assert entry.detail == {"label": "fraud", "fence": 3}
    assert entry.at.endswith("+00:00")


async def test_what_comes_during_an_append_goes_into_the_next_one_together(log: WatchedLog) -> None:
    """Two appends for a hundred calls, and every one has its entry in the order of the calls."""
    audit = Audit(log, SystemClock())
    await audit.note(ANA, "signed in")
    log.appends.clear()
    log.begun.clear()
    log.open.clear()
    first = asyncio.create_task(audit.note(ANA, "claimed", "query-0"))
    await log.begun.wait()
    others = [asyncio.create_task(audit.note(BEN, "claimed", f"query-{n}")) for n in range(1, 100)]
    await asyncio.sleep(0)
    log.open.set()
    await asyncio.gather(first, *others)
    assert log.appends == [1, 99]
    assert [entry.query_id for entry in await noted(log)][1:] == [f"query-{n}" for n in range(100)]
    assert (await verify(log)).sound


async def test_who_hangs_up_takes_nobody_along(log: WatchedLog) -> None:
    """What was noted is written all the same, theirs too."""
    audit = Audit(log, SystemClock())
    log.open.clear()
    leaving = asyncio.create_task(audit.note(ANA, "claimed", "query-1"))
    staying = asyncio.create_task(audit.note(BEN, "claimed", "query-2"))
    await log.begun.wait()
    leaving.cancel()
    log.open.set()
    await staying
    assert leaving.cancelled()
    assert {entry.query_id for entry in await noted(log)} == {"query-1", "query-2"}


@pytest.mark.parametrize("kind", ["unanswered", "unsent"])
async def test_after_an_outage_the_chain_is_whole(log: WatchedLog, kind: str) -> None:
    """The caller is told that its entry may be missing; the next append writes it once more, or at last."""
    audit = Audit(log, SystemClock())
    await audit.note(ANA, "signed in")
    setattr(log, kind, 2)
    for number in range(2):
        with pytest.raises(Unaudited):
            await audit.note(ANA, "claimed", f"query-{number}")
    await audit.note(ANA, "claimed", "query-2")
    assert (await verify(log)).sound
    assert {entry.query_id for entry in await noted(log)} == {"", "query-0", "query-1", "query-2"}


async def test_a_log_that_does_not_answer_at_the_start_is_tried_again(log: WatchedLog) -> None:
    """The chain opens with the first entry that gets through."""
    audit = Audit(log, SystemClock())
    log.unsent = 1
    with pytest.raises(Unaudited):
        await audit.note(ANA, "claimed", "query-0")
    await audit.note(ANA, "claimed", "query-1")
    verdict = await verify(log)
    assert verdict.sound
    assert verdict.chains == 1


async def test_a_new_chain_refers_to_the_ends_of_all_before_it(log: WatchedLog) -> None:
    """However long ago the last one was opened, and each end once."""
    long_ago = Audit(log, SystemClock())
    await long_ago.note_each(ANA, "claimed", [f"query-{number}" for number in range(RECORDS_A_READ + 100)])
    heads = (await verify(log)).heads
    await Audit(log, SystemClock()).note(ANA, "signed in")
    await Audit(log, SystemClock()).note(ANA, "signed in")
    second, third = [one for one in await latest(log, 100) if one.action == "opened chain"]
    assert second.heads == heads
    assert set(third.heads) == {second.chain}


async def test_nothing_is_written_for_no_query(log: WatchedLog) -> None:
    """An empty claim shows nobody anything."""
    await Audit(log, SystemClock()).note_each(ANA, "claimed", [])
    assert await log.end() == 0
