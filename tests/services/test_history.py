"""The desk's history: kept once for each time, bounded, thinned."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_history import MOST_SAMPLES, RedisHistory
from streamsel.ports.history import Sample
from streamsel.review.refusals import DeskUnreachable
from streamsel.services.history import SAMPLE_SECONDS, step_seconds, thinned

START = 1_800_000_000.0


def _sample(number: int, backlog: int = 3, oldest_seconds: float = 1.5) -> Sample:
    return Sample(START + number * SAMPLE_SECONDS, backlog, oldest_seconds, 2, 0.25)


@pytest.fixture(params=["valkey", pytest.param("redis_server", marks=pytest.mark.redis)])
async def history(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[RedisHistory]:
    """An empty one, on either server."""
    server: EmbeddedValkey = request.getfixturevalue(request.param)
    async with Redis.from_url(server.url, retry=Retry(NoBackoff(), 0)) as client:
        yield RedisHistory(client, prefix)


async def test_samples_come_back_as_they_were(history: RedisHistory) -> None:
    """Those from the time asked for on."""
    for number in range(5):
        await history.note(_sample(number))
    assert list(await history.since(START)) == [_sample(number) for number in range(5)]
    assert list(await history.since(START + 2.5 * SAMPLE_SECONDS)) == [_sample(3), _sample(4)]
    assert list(await history.since(START + 1e6)) == []


async def test_of_several_desks_the_first_sample_of_a_time_stays(history: RedisHistory) -> None:
    """A desk whose clock is behind does not disturb the order either."""
    await history.note(_sample(1, backlog=7))
    await history.note(_sample(1, backlog=8))
    await history.note(_sample(0, backlog=9))
    assert [one.backlog for one in await history.since(0.0)] == [7]


async def test_a_day_is_kept(history: RedisHistory) -> None:
    """Give or take a block of the server's."""
    pipeline = history._client.pipeline(transaction=False)
    for number in range(MOST_SAMPLES + 2_000):
        pipeline.xadd(history._key, {"v": b"[0,0,0,0,0]"}, id=f"{number + 1}-1")
    await pipeline.execute()
    await history.note(_sample(0))
    assert MOST_SAMPLES <= await history._client.xlen(history._key) <= MOST_SAMPLES + 200


async def test_without_its_store_it_says_so() -> None:
    """As everything at the desk does."""
    async with Redis.from_url("redis://127.0.0.1:9", retry=Retry(NoBackoff(), 0)) as client:
        history = RedisHistory(client, "p")
        for call in (history.note(_sample(0)), history.since(0.0)):
            with pytest.raises(DeskUnreachable):
                await call


@given(hours=st.floats(0.001, 24.0))
def test_points_stand_for_whole_samples_and_are_few(hours: float) -> None:
    """However far one looks back."""
    step = step_seconds(hours)
    assert step % SAMPLE_SECONDS == 0
    assert hours * 3600.0 / step <= 360
    assert step == SAMPLE_SECONDS or hours * 3600.0 / (step - SAMPLE_SECONDS) > 360


def test_thinned_it_has_means_and_the_greatest_ages() -> None:
    """Where nobody looked there is no point."""
    samples = [_sample(0, 2, 5.0), _sample(1, 4, 1.0), _sample(8, 10, 2.0)]
    points = thinned(samples, 3 * SAMPLE_SECONDS)
    assert [(one.at, one.backlog, one.oldest_seconds) for one in points] == [
        (START, 3, 5.0),
        (START + 6 * SAMPLE_SECONDS, 10, 2.0),
    ]


@given(
    numbers=st.lists(st.integers(0, 500), unique=True).map(sorted),
    step=st.integers(1, 40).map(lambda n: n * 10),
)
def test_thinned_it_is_in_order_and_covers_all(numbers: list[int], step: int) -> None:
    """Every sample lies in a point's span, and no two spans meet."""
    points = thinned([_sample(number) for number in numbers], step)
    assert all(later.at - earlier.at >= step for earlier, later in pairwise(points))
    for number in numbers:
        assert any(point.at <= _sample(number).at < point.at + step for point in points)
