"""Every operation under Schemathesis: what it makes of the API's description, sent to the API as it runs."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from streamsel.api import refusals
from streamsel.api.server import serve
from tests.api.reviewing import Reviewing, query

_EXAMPLE_ID = "9f2c4e1ab3d05c77"
"""The query that the description's examples are about."""

_LINES = Path(__file__).with_name("json_lines.py")
_CONFIGURATION = Path(__file__).with_name("schemathesis.toml")

_OPTIONS = (
    "--phases=examples,coverage,fuzzing",
    "--checks=all",
    "--max-examples=8",
    "--workers=1",  # threads that parse at once fail in Python 3.11, now and then (CPython issue 106905)
    "--generation-deterministic",
    "--continue-on-failure",
    "--request-timeout=10",
    "--no-color",
)


async def test_the_api_is_as_described(
    desk: Reviewing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status, media type, headers and body are among those described; what breaks the rules is refused."""
    monkeypatch.setattr(refusals, "_FAILURES_AT_ONCE", 10_000)  # it tries many wrong keys, from one address
    app = desk.app_with(max_event_bytes=1_000_000)
    app.state.closing.set()  # nothing is waited for, and streams end
    await desk.queue.offer([replace(query(0), query_id=_EXAMPLE_ID), *map(query, range(1, 1_000))])
    running = await serve(app, "127.0.0.1", 0)
    try:
        schemathesis = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"),
            f"--config-file={_CONFIGURATION}",
            "run",
            f"{running.url}/openapi.json",
            f"--header=Authorization: Bearer {desk.secrets['root']}",
            *_OPTIONS,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(_LINES)},
        )
        told, _ = await schemathesis.communicate()
    finally:
        await running.stop()
    assert schemathesis.returncode == 0, told.decode()
