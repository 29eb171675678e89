"""Where the deployment's files are, and the programs that judge them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def deploy(root: Path) -> Path:
    """The deployment's files."""
    return root / "deploy"


@pytest.fixture(scope="session")
def promtool() -> str:
    """The path of Prometheus's own checker."""
    path = shutil.which("promtool")
    if path is None:
        reason = "promtool is not installed (Debian: apt-get install prometheus)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
