"""``streamsel desk``: the audit log on the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streamsel import wiring
from streamsel.adapters.clock import SystemClock
from streamsel.cli.main import app
from streamsel.config import Config
from streamsel.config.servers import Redis
from streamsel.ports import AuditLog
from streamsel.services.audit import Audit
from tests.services.callers import ANA


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A desk whose data is here, with two entries in its audit log."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "streamsel.toml").write_text(f'[redis]\ndata_dir = "{tmp_path}/data"\n', encoding="utf-8")
    config = Config(redis=Redis(data_dir=tmp_path / "data"))

    async def write(log: AuditLog) -> None:
        audit = Audit(log, SystemClock())
        await audit.note(ANA, "claimed", "9f2c")
        await audit.note(ANA, "labelled", "9f2c", {"label": "fraud"})

    asyncio.run(_with_log(config, write))
    return config


async def _with_log(config: Config, use: object) -> None:
    assert callable(use)
    async with wiring.opened_audit_log(config) as log:
        await use(log)


@pytest.mark.usefixtures("config")
def test_the_last_entries_are_shown() -> None:
    """One a line: when, who, what, which query."""
    shown = CliRunner().invoke(app, ["desk", "audit", "--last", "1"])
    assert shown.exit_code == 0
    (line,) = shown.stdout.splitlines()
    assert line.endswith('ana (reviewer) labelled 9f2c {"label": "fraud"}')
    listed = CliRunner().invoke(app, ["desk", "audit", "--json"])
    entries = json.loads(listed.stdout.splitlines()[-1])["entries"]
    assert [entry["action"] for entry in entries] == ["opened chain", "claimed", "labelled"]


@pytest.mark.usefixtures("config")
def test_a_whole_log_verifies() -> None:
    """With its heads, to be kept elsewhere."""
    said = CliRunner().invoke(app, ["desk", "audit", "--verify", "--json"])
    assert said.exit_code == 0
    verdict = json.loads(said.stdout.splitlines()[-1])
    assert (verdict["ok"], verdict["entries"], verdict["chains"], verdict["broken"]) == (True, 3, 1, [])
    assert len(verdict["heads"]) == 1


def test_a_log_that_was_tampered_with_is_told(config: Config) -> None:
    """The broken entry is named, and the exit status is 1."""

    async def forge(log: AuditLog) -> None:
        ((_, record),) = await log.read(1, 1, 1.0)
        await log.append([record.replace(b'"ana"', b'"ben"')])

    asyncio.run(_with_log(config, forge))
    said = CliRunner().invoke(app, ["desk", "audit", "--verify"])
    assert said.exit_code == 1
    assert "changed, at offset 3: entry 1 does not have its hash" in said.stdout
    assert CliRunner().invoke(app, ["desk", "audit", "--verify", "--json"]).exit_code == 1
