"""A store and a log for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contracts.review_queue.stores import empty_store, serving
from tests.services.desk.desks import LabelLogDouble
from tests.services.oracles.bench import ROUTING, Bench


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a Valkey of ours alone: its data is dropped."""
    with serving("valkey") as url:
        yield url


@pytest.fixture
async def bench(server: str) -> AsyncIterator[Bench]:
    """An empty queue, checked for I1 in the end, and an empty log."""
    async with empty_store(server, routing=ROUTING) as store:
        yield Bench(store, LabelLogDouble())
