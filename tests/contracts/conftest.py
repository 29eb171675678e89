"""The log servers: ``logs`` is each in turn, ``kafka_logs`` and ``stream_logs`` those of one kind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streamsel.adapters.local_kafka import LocalKafka
from tests.contracts.log_servers import KafkaServers, LogServers, RedisServers, servers_of
from tests.servers import GivenKafka

_STREAMS = [pytest.param("valkey"), pytest.param("redis_server", marks=pytest.mark.redis)]


@pytest.fixture(params=[pytest.param("kafka", marks=pytest.mark.kafka), *_STREAMS])
async def logs(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[LogServers]:
    """What every adapter of a port promises is tested on this."""
    async with servers_of(request, prefix).prepared() as servers:
        yield servers


@pytest.fixture
async def kafka_logs(kafka: LocalKafka | GivenKafka, prefix: str) -> AsyncIterator[KafkaServers]:
    """What only Kafka promises."""
    async with KafkaServers(kafka.bootstrap_servers, prefix, kafka).prepared() as servers:
        yield servers


@pytest.fixture(params=_STREAMS)
async def stream_logs(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[RedisServers]:
    """What only the streams promise."""
    server = request.getfixturevalue(request.param)
    async with RedisServers(server.url, prefix, server).prepared() as servers:
        yield servers
