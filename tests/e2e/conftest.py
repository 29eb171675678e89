"""Processes and servers of one test: they end with it, and the processes' logs are shown when it fails."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.outside.service_process import Services
from streamsel.adapters.embedded import EmbeddedValkey


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Starts ``streamsel serve``."""
    started = Services(tmp_path)
    try:
        yield started
    finally:
        started.end_all()


@pytest.fixture
def store() -> Iterator[EmbeddedValkey]:
    """A Valkey of this test's own, to be killed and started again."""
    with tempfile.TemporaryDirectory(prefix="streamsel-store-") as directory:
        server = EmbeddedValkey(Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.stop()
