"""What all events were like is written beside the decisions."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import numpy as np

from loadtest.inside.virtual_time import LoopClock, in_virtual_time
from streamsel.codec.summaries import decode_summary
from streamsel.learning.evaluation.sums import Columns, DecidedEvents
from streamsel.ports import SourceUnavailable
from streamsel.records import FeatureTable, Summary
from streamsel.services.summarising import REST, SPAN_SECONDS, Summariser
from tests.services.desk.desks import LabelLogDouble

LABELS = ("no", "yes")


def add(summariser: Summariser, events: int, segments: list[dict[str, str]] | None = None) -> None:
    """A micro-batch decided now, one event of it asked about."""
    lanes = np.zeros(events, np.int8)
    lanes[0] = 1
    decided = DecidedEvents(np.tile([0.3, 0.7], (events, 1)), lanes, np.full(events, 0.5))
    table = FeatureTable.of([{"a": float(number)} for number in range(events)])
    summariser.add(LoopClock().time(), LABELS, decided, table, segments)


def written(log: LabelLogDouble) -> list[Summary]:
    return [decode_summary(record) for record in log.records]


async def stopped(work: asyncio.Task[None], summariser: Summariser) -> None:
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    await summariser.close()


def test_a_summary_a_minute_and_the_last_one_at_the_end() -> None:
    """Each of the events of its minute; a stream that falls silent is told of as well. Ids never repeat."""

    async def scenario() -> None:
        log, clock = LabelLogDouble(), LoopClock()
        summariser = Summariser(log, clock)
        work = asyncio.create_task(summariser.run())
        await asyncio.sleep(SPAN_SECONDS - clock.time() % SPAN_SECONDS)
        for _ in range(3):
            add(summariser, 10)
            await asyncio.sleep(5.0)
        assert written(log) == []
        await asyncio.sleep(2 * SPAN_SECONDS)
        add(summariser, 7)
        await stopped(work, summariser)
        first, last = written(log)
        assert (first.events, last.events) == (30, 7)
        assert first.decided_to - first.decided_from == 10.0
        assert first.summary_id != last.summary_id
        assert first.sums[0, Columns(2).asked].sum() == 3

    in_virtual_time(scenario())


def test_while_the_log_is_away_nothing_is_lost_and_nobody_waits() -> None:
    """One summary waits, written anew as it was; all later events are gathered in the next."""

    async def scenario() -> None:
        log, clock = LabelLogDouble(), LoopClock()

        async def away() -> None:
            raise SourceUnavailable("the broker is away")

        log.after = away
        summariser = Summariser(log, clock)
        work = asyncio.create_task(summariser.run())
        for _ in range(5):
            add(summariser, 10)
            await asyncio.sleep(SPAN_SECONDS)
        assert len({one.summary_id for one in written(log)}) == 1
        log.after = LabelLogDouble().after
        await asyncio.sleep(SPAN_SECONDS)
        await stopped(work, summariser)
        by_id = {one.summary_id: one.events for one in written(log)}
        assert sum(by_id.values()) == 50
        assert len(by_id) == 2

    in_virtual_time(scenario())


def test_a_log_that_stays_away_does_not_hold_up_the_end() -> None:
    """The last summary is lost then."""

    async def scenario() -> None:
        log = LabelLogDouble()
        log.before = asyncio.Event().wait  # type: ignore[assignment]
        summariser = Summariser(log, LoopClock())
        add(summariser, 10)
        began = LoopClock().monotonic()
        await summariser.close()
        assert LoopClock().monotonic() - began < 2.0
        assert log.records == []

    in_virtual_time(scenario())


def test_segments_have_cells_of_their_own_up_to_a_bound() -> None:
    """What is beyond it is together in the rest."""

    async def scenario() -> None:
        log = LabelLogDouble()
        summariser = Summariser(log, LoopClock())
        add(summariser, 300, [{"region": f"r{number}"} for number in range(300)])
        await summariser.close()
        (only,) = written(log)
        columns = Columns(2)
        by_cell = dict(zip(only.cells, only.sums[:, columns.expected].sum(axis=1), strict=True))
        assert round(by_cell[""]) == 300
        assert round(by_cell["region=r0"]) == 1
        assert round(by_cell[REST]) == 300 - (len(by_cell) - 2)
        assert len(by_cell) <= 64

    in_virtual_time(scenario())
