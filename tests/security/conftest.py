"""A CA of the tests' own, and servers that take nobody they do not know."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.security.certificates import Certificates
from tests.security.secured_kafka import SecuredKafka, secured_kafka
from tests.security.secured_redis import SecuredRedis, secured_redis


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Signed by a CA that nobody else trusts."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def broker(certificates: Certificates) -> Iterator[SecuredKafka]:
    """A broker with an authorizer, that signs people in by SCRAM or by certificate."""
    with secured_kafka(certificates) as broker:
        yield broker


@pytest.fixture(scope="session")
def redis_server(certificates: Certificates) -> Iterator[SecuredRedis]:
    """Debian's redis-server over TLS alone, with an ACL."""
    with secured_redis(certificates) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """Of topics, keys and users that no other test has."""
    return f"test-{secrets.token_hex(6)}"
