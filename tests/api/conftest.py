"""A desk and its API on the shared Valkey."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from tests.api.reviewing import Reviewing, reviewing


@pytest.fixture
async def desk(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Reviewing]:
    """A running desk with nothing waiting."""
    async with reviewing(valkey.url, valkey.url, prefix) as running:
        yield running


@pytest.fixture
async def ana(desk: Reviewing) -> AsyncIterator[httpx.AsyncClient]:
    """A reviewer."""
    async with desk.caller("ana") as client:
        yield client


@pytest.fixture
async def ben(desk: Reviewing) -> AsyncIterator[httpx.AsyncClient]:
    """Another reviewer."""
    async with desk.caller("ben") as client:
        yield client


@pytest.fixture
async def shop(desk: Reviewing) -> AsyncIterator[httpx.AsyncClient]:
    """A producer."""
    async with desk.caller("shop") as client:
        yield client


@pytest.fixture
async def stranger(desk: Reviewing) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a key."""
    async with desk.caller(None) as client:
        yield client
