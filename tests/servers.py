"""Real servers for tests: an embedded Valkey, Debian's redis-server and an Apache Kafka broker.

A server that is missing skips the test with the reason; with CI=true it fails it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import BrokerNotInstalled, LocalKafka

KAFKA_VARIABLE = "STREAMSEL_TEST_KAFKA"
"""Bootstrap servers of a broker that is already there."""


def missing(reason: str) -> NoReturn:
    """Skips, or fails where everything is supposed to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running_valkey() -> Iterator[EmbeddedValkey]:
    """An empty embedded Valkey."""
    with (
        tempfile.TemporaryDirectory(prefix="streamsel-valkey-") as directory,
        EmbeddedValkey(Path(directory)) as server,
    ):
        yield server


@contextmanager
def running_redis() -> Iterator[EmbeddedValkey]:
    """An empty redis-server, run just like the embedded Valkey."""
    executable = shutil.which("redis-server")
    if executable is None:
        missing("redis-server is not installed (Debian: apt-get install redis-server)")
    with (
        tempfile.TemporaryDirectory(prefix="streamsel-redis-") as directory,
        EmbeddedValkey(Path(directory), Path(executable)) as server,
    ):
        yield server


class GivenKafka:
    """A broker somebody else runs: it cannot be restarted from here."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers


@contextmanager
def running_kafka() -> Iterator[LocalKafka | GivenKafka]:
    """The broker named by the environment, or an empty one of our own."""
    given = os.environ.get(KAFKA_VARIABLE)
    if given:
        yield GivenKafka(given)
        return
    broker = LocalKafka()
    try:
        broker.start()
    except BrokerNotInstalled as error:
        missing(str(error))
    try:
        yield broker
    finally:
        broker.kill()  # an orderly end takes seconds, and the data goes anyway
        broker.stop()
