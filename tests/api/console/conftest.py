"""One browser for all tests of the pages; each test has a desk, a server and sessions of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.records import Query
from streamsel.review.routing import Overlap, QueueRule, Routing
from tests.api.browsing import Browsing, chromium, served
from tests.api.reviewing import Reviewing, reviewing

_HERE = Path(__file__).parent


def _from_brazil(query: Query) -> bool:
    return query.features.get("country") == "BR"


def _has_diagnosis(query: Query) -> bool:
    return "diagnosis" in query.context


QUEUES = [QueueRule("brazil", _from_brazil, sla_seconds=600.0)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them need the browser, and share its event loop."""
    for item in items:
        if item.path.parent == _HERE:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def started_chromium() -> AsyncIterator[Browser]:
    """Started once: that takes longer than most tests."""
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def desk(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Reviewing]:
    """A running desk with nothing waiting. What is from Brazil has a queue and a time of its own; what has a
    diagnosis is sensitive."""
    routing = Routing(QUEUES, sensitive=_has_diagnosis)
    async with reviewing(valkey.url, valkey.url, prefix, routing=routing) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def overlapping_desk(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Reviewing]:
    """One that asks two reviewers about each query."""
    routing = Routing(QUEUES, Overlap(share=1.0, reviewers=2))
    async with reviewing(valkey.url, valkey.url, prefix, routing=routing) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def browser(desk: Reviewing, started_chromium: Browser) -> AsyncIterator[Browsing]:
    """At the desk of this test."""
    async with served(desk, started_chromium) as ready:
        yield ready


@pytest_asyncio.fixture(loop_scope="session")
async def ana(desk: Reviewing) -> AsyncIterator[httpx.AsyncClient]:
    """A reviewer who calls the API by hand."""
    async with desk.caller("ana") as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def ben(desk: Reviewing) -> AsyncIterator[httpx.AsyncClient]:
    """Another reviewer."""
    async with desk.caller("ben") as client:
        yield client
