"""A store, a log, and a desk between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from streamsel.services.desk import Desk
from tests.contracts.review_queue.stores import Store, empty_store, serving
from tests.services.desk.desks import LabelLogDouble, desk_of


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a Valkey of ours alone: its data is dropped."""
    with serving("valkey") as url:
        yield url


@pytest.fixture
async def store(server: str) -> AsyncIterator[Store]:
    """An empty queue, checked for I1 in the end."""
    async with empty_store(server) as empty:
        yield empty


@pytest.fixture
def log() -> LabelLogDouble:
    """An empty label log."""
    return LabelLogDouble()


@pytest.fixture
def desk(store: Store, log: LabelLogDouble) -> Desk:
    """A desk whose background does not run."""
    return desk_of(store.queue, log)
