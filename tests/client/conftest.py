"""Both clients, against the desk's API on a real port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.api.server import serve
from streamsel.client import AsyncClient, Client
from tests.api.reviewing import Reviewing, reviewing

Calling: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]
"""Calls a client's method by its name."""


@pytest.fixture
async def desk(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Reviewing]:
    """A running desk with nothing waiting."""
    async with reviewing(valkey.url, valkey.url, prefix) as running:
        yield running


@pytest.fixture
async def url(desk: Reviewing) -> AsyncIterator[str]:
    """Where its API is served."""
    running = await serve(desk.app, "127.0.0.1", 0)
    yield running.url
    await running.stop()


@pytest.fixture(params=["blocking", "asyncio"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which of the two clients."""
    return str(request.param)


@pytest.fixture
async def ana(kind: str, url: str, desk: Reviewing) -> AsyncIterator[Calling]:
    """A reviewer's client."""
    async with calling(kind, url, desk.secrets["ana"]) as call:
        yield call


@asynccontextmanager
async def calling(kind: str, url: str, secret: str, **options: Any) -> AsyncIterator[Calling]:
    """Either client, under one way to call it."""
    if kind == "asyncio":
        async with AsyncClient(url, secret, **options) as client:

            async def call(name: str, *arguments: Any, **named: Any) -> Any:
                return await getattr(client, name)(*arguments, **named)

            yield call
    else:
        with Client(url, secret, **options) as blocking:

            async def call_in_thread(name: str, *arguments: Any, **named: Any) -> Any:
                return await asyncio.to_thread(getattr(blocking, name), *arguments, **named)

            yield call_in_thread
