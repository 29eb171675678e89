"""Directories of this machine that the configuration names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from streamsel.config import Config
from streamsel.doctor.judging.disk import Directory


def directories(config: Config) -> Iterator[Directory]:
    """Snapshots elsewhere, and a server of its own, have no directory here."""
    if config.redis.url is None:
        yield _directory("redis.data_dir", config.redis.data_dir)
    url = config.snapshots.url
    if url is not None and urlsplit(url).scheme in ("", "file"):
        yield _directory("snapshots.url", Path(url.removeprefix("file://")))


def _directory(key: str, path: Path) -> Directory:
    there = path.absolute()
    while not there.exists():
        there = there.parent
    writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    return Directory(key, str(there), writable, shutil.disk_usage(there).free)
