"""Faults beside kills, each in a small form on processes at work: nothing is lost, and nothing done twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from loadtest.faults.every import FAULTS
from loadtest.faults.fault import NotPermitted
from loadtest.faults.rig import Rig, rig
from loadtest.faults.settling import counted
from loadtest.outside.counts import Counts
from streamsel.adapters.local_kafka import BrokerNotInstalled
from tests.servers import missing

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="module"),
]

MUST_BE_ZERO = set(Counts.__slots__) - {"events", "queries", "labels", "digests"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Rig]:
    """One for all of them: each fault meets what those before it have left."""
    async with AsyncExitStack() as stack:
        try:
            found = await stack.enter_async_context(rig(1, events_per_second=50.0, preset="logistic"))
        except BrokerNotInstalled as error:
            missing(str(error))
        yield found


@pytest.mark.parametrize(
    "name",
    [
        "rolling_upgrade",
        "broker_slow",
        "store_slow",
        "store_disk_full",
        "broker_disk_full",
        "snapshots_disk_full",
        "clock_forward",
        "clock_back",
        "out_of_memory",
    ],
)
async def test_nothing_is_lost_or_doubled(name: str, running: Rig) -> None:
    """The work goes on by itself once it is over, and all counts are as they must be."""
    await running.labelling()
    try:
        await FAULTS[name](running, 0.0)
    except NotPermitted as reason:
        pytest.skip(str(reason))
    await running.scoring()
    await running.labelling()
    counts = await counted(running)
    running.work()
    assert counts.events > 0
    assert counts.labels > 0
    assert {name: getattr(counts, name) for name in MUST_BE_ZERO} == dict.fromkeys(MUST_BE_ZERO, 0)
