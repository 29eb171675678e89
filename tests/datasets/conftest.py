"""Label logs of every kind, and what is put into them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.ports import LabelLog
from tests.contracts.log_servers import LogServers, RedisServers, servers_of


@pytest.fixture(params=[pytest.param("kafka", marks=pytest.mark.kafka), "valkey"])
async def servers(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[LogServers]:
    """Each kind in turn."""
    async with servers_of(request, prefix).prepared() as made:
        yield made


@pytest.fixture
async def log(servers: LogServers) -> LabelLog:
    """An empty one."""
    return servers.labels()


@pytest.fixture
async def valkey_log(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[LabelLog]:
    """Another empty one."""
    async with RedisServers(valkey.url, f"{prefix}-other", valkey).prepared() as made:
        yield made.labels()
