"""Log servers of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streamsel.adapters.kafka_epochs import KafkaEpochs
from streamsel.adapters.redis_epochs import RedisEpochs
from streamsel.ports.epochs import Epochs
from tests.contracts.log_servers import KafkaServers, LogServers, RedisServers, servers_of


@pytest.fixture(params=[pytest.param("kafka", marks=pytest.mark.kafka), "valkey"])
async def servers(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[LogServers]:
    """Each kind in turn."""
    async with servers_of(request, prefix).prepared() as made:
        yield made


@pytest.fixture
async def epochs(servers: LogServers) -> AsyncIterator[Epochs]:
    """Of a new label log."""
    made = epochs_on(servers)
    yield made
    await made.close()


def epochs_on(servers: LogServers) -> Epochs:
    """As another process would have them."""
    if isinstance(servers, KafkaServers):
        return KafkaEpochs(servers.cluster, servers.topics.labels.removesuffix("labels"))
    assert isinstance(servers, RedisServers)
    return RedisEpochs(servers.streams)
