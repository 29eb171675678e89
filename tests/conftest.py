"""Servers for all tests, started when first asked for; tests share them and keep apart by ``prefix``."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka, running_kafka, running_redis, running_valkey


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedValkey]:
    """An embedded Valkey."""
    with running_valkey() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedValkey]:
    """Debian's redis-server."""
    with running_redis() as server:
        yield server


@pytest.fixture(scope="session")
def kafka() -> Iterator[LocalKafka | GivenKafka]:
    """An Apache Kafka broker."""
    with running_kafka() as broker:
        yield broker


@pytest.fixture
def prefix() -> str:
    """A prefix of topics and keys that no other test has."""
    return f"test-{secrets.token_hex(6)}"
