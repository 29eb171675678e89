"""Processes of the tests here; they end with their test, and their logs are shown when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.service_process import Services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Starts ``streamsel serve``."""
    started = Services(tmp_path)
    try:
        yield started
    finally:
        started.end_all()
