"""Finding a moment in a log, and a decision made then, without reading it all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import numpy as np
import orjson
import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisKeptLog
from streamsel.codec import DecisionColumns, Unreadable, encode_decisions
from streamsel.records import Query
from streamsel.services.evidence.finding import decision_made_at
from streamsel.services.evidence.seeking import since


class Counted(RedisKeptLog):
    """A log that counts what is read of it."""

    reads = 0
    records = 0

    async def read(self, start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        found = await super().read(start, max_records, wait_seconds)
        self.reads, self.records = self.reads + 1, self.records + len(found)
        return found


@pytest.fixture
async def log(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Counted]:
    """Empty."""
    streams = RedisStreams(valkey.url, prefix)
    counted = Counted(streams, streams.audit)
    yield counted
    await counted.close()


def time_of(content: bytes) -> float:
    try:
        return float(orjson.loads(content))
    except orjson.JSONDecodeError as error:
        raise Unreadable("unreadable", str(error)) from None


async def found(log: Counted, at: float) -> list[int]:
    return [offset async for offset, _ in since(log, time_of, at)]


async def test_everything_from_a_moment_on_is_found(log: Counted) -> None:
    """Equal times all of them; before the first everything, after the last nothing."""
    await log.append([str(time).encode() for time in (1, 2, 2, 2, 3, 5)])
    assert await found(log, 2.0) == [1, 2, 3, 4, 5]
    assert await found(log, 4.0) == [5]
    assert await found(log, 0.0) == [0, 1, 2, 3, 4, 5]
    assert await found(log, 6.0) == []


async def test_an_empty_log_holds_nothing(log: Counted) -> None:
    """Whatever is looked for."""
    assert await found(log, 1.0) == []


async def test_what_cannot_be_read_is_passed_over(log: Counted) -> None:
    """It is no moment, and hides none after it."""
    await log.append([b"1", b"{", b"3", b"{", b"5"])
    assert await found(log, 3.0) == [2, 3, 4]


async def test_a_long_log_is_not_read_to_find_its_end(log: Counted) -> None:
    """Some records, not all: of twenty thousand, bisection looks at fifteen."""
    await log.append([str(time).encode() for time in range(20_000)])
    assert await found(log, 19_990.0) == list(range(19_990, 20_000))
    assert log.reads <= 17
    assert log.records <= 30


def decisions(at: float, first: int, asked: int | None = None) -> list[bytes]:
    """A micro-batch of ten, of which one may be to ask."""
    ones = np.ones(10)
    ids = [f"e{first + row}" for row in range(10)]
    queries = {}
    if asked is not None:
        queries[asked] = Query(f"q{first + asked}", ids[asked], "uncertain", 0.5, 1.0, {}, 0, at, {})
    lanes = [int(row == asked) for row in range(10)]
    return encode_decisions(
        DecisionColumns(
            "events",
            0,
            range(first, first + 10),
            ids,
            at,
            0,
            (),
            np.ones((10, 0)),
            ones,
            0.5,
            0.1,
            lanes,
            ones,
            queries,
        )
    )


async def test_a_decision_is_found_at_the_time_it_was_made(log: Counted) -> None:
    """Among those of its micro-batch; not another query's, and not at another time."""
    for batch in range(200):
        await log.append(decisions(float(batch), 10 * batch, asked=7 if batch % 50 == 20 else None))
    decision = await decision_made_at(log, "q1207", 120.0)
    assert decision is not None
    assert (decision.event_id, decision.source.offset, decision.decided_at) == ("e1207", 1207, 120.0)
    assert log.records <= 600
    assert await decision_made_at(log, "q1207", 119.0) is None
    assert await decision_made_at(log, "q1208", 120.0) is None
