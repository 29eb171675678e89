"""The queue on each server in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contracts.review_queue.stores import Store, empty_store, serving


@pytest.fixture(
    scope="session", params=[pytest.param("valkey"), pytest.param("redis", marks=pytest.mark.redis)]
)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server of ours alone: its settings are changed, its data dropped."""
    with serving(request.param) as url:
        yield url


@pytest.fixture
async def store(server: str) -> AsyncIterator[Store]:
    """An empty queue, checked for I1 in the end."""
    async with empty_store(server) as empty:
        yield empty
