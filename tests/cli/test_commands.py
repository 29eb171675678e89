"""The commands as a person types them: what they print, their exit codes, and what a mistake is told."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

CONFIGURATION = '[labels]\nnames = ["legit", "fraud"]\n'
HISTORY = "id,amount,kind,y\n1,3.5,a,0\n2,500,b,1\n3,,b,0\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a short path, for the embedded server's socket."""
    with TemporaryDirectory(prefix="cli-") as directory:
        path = Path(directory)
        (path / "streamsel.toml").write_text(CONFIGURATION)
        yield path


def streamsel(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STREAMSEL_")}
    return subprocess.run(
        [sys.executable, "-m", "streamsel", *words],
        cwd=folder,
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    ["demo", "serve", "seed", "doctor", "evidence", "report", "config check", "config schema", "config key"],
)
def test_every_command_shows_an_example_in_its_help(folder: Path, command: str) -> None:
    """What to type stands where one looks first."""
    shown = streamsel(folder, *command.split(), "--help")
    assert shown.returncode == 0
    assert "Example: " in shown.stdout


def test_an_unknown_option_is_bad_usage(folder: Path) -> None:
    """Exit 2, and nothing on stdout."""
    refused = streamsel(folder, "serve", "--rôle", "desk")
    assert (refused.returncode, refused.stdout) == (2, "")


def test_a_right_configuration_is_said_to_be_right(folder: Path) -> None:
    """The last line with --json is one object; keys are left out of it."""
    checked = streamsel(folder, "config", "check", "--json")
    assert checked.returncode == 0
    content = json.loads(checked.stdout.splitlines()[-1])
    assert content["ok"] is True
    assert content["config"]["labels"]["names"] == ["legit", "fraud"]
    assert "auth" not in content["config"]


def test_a_wrong_configuration_is_named_key_by_key(folder: Path) -> None:
    """Exit 2, with the nearest known key, and no traceback."""
    (folder / "streamsel.toml").write_text("[selekt]\nbudget = 0.1\n")
    refused = streamsel(folder, "config", "check")
    assert refused.returncode == 2
    assert "did you mean 'select'?" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("strategy", "complaint"),
    [
        ("committee_vote", "model 'logistic' has none; set model.preset to forest, portfolio or text"),
        ("nowhere:utility", "module 'nowhere' can't be imported"),
    ],
)
def test_a_strategy_that_cannot_work_is_refused_at_the_start(
    folder: Path, strategy: str, complaint: str
) -> None:
    """Exit 2 before anything is served, naming the key and what would be right."""
    refused = streamsel(folder, "serve", "--port", "0", STREAMSEL_SELECT__STRATEGY=strategy)
    assert refused.returncode == 2
    assert "select.strategy: " in refused.stderr
    assert complaint in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_variable_overrides_the_file(folder: Path) -> None:
    """Twelve-factor: the environment has the last word."""
    checked = streamsel(folder, "config", "check", "--json", STREAMSEL_SELECT__BUDGET="0.25")
    assert json.loads(checked.stdout)["config"]["select"]["budget"] == 0.25


def test_the_schema_describes_every_section(folder: Path) -> None:
    """An editor can check the file while it is written."""
    schema = json.loads(streamsel(folder, "config", "schema").stdout)
    assert {"stream", "labels", "model", "select", "capacity", "kafka", "redis"} <= set(schema["properties"])


def test_a_key_is_shown_once_and_kept_as_its_hash(folder: Path) -> None:
    """What goes into the configuration can't be used to sign in."""
    made = json.loads(streamsel(folder, "config", "key", "--name", "alice", "--json").stdout)
    assert made["scope"] == "reviewer"
    assert made["sha256"] == sha256(made["secret"].encode()).hexdigest()


def test_a_name_that_no_key_may_have_is_refused(folder: Path) -> None:
    """Exit 2, naming the value."""
    refused = streamsel(folder, "config", "key", "--name", "al/ice")
    assert refused.returncode == 2
    assert "al/ice" in refused.stderr


@pytest.mark.parametrize("name", ["history.csv", "history.csv.gz", "history.jsonl"])
def test_a_labelled_file_is_seeded_once_however_often(folder: Path, name: str) -> None:
    """Its labels are in the log; a second time adds records that change nothing."""
    file = folder / name
    if "jsonl" in name:
        file.write_text('{"id": 1, "amount": 3.5, "y": "legit"}\n{"id": 2, "amount": 9, "y": "fraud"}\n')
    elif name.endswith(".gz"):
        file.write_bytes(gzip.compress(HISTORY.encode()))
    else:
        file.write_text(HISTORY)
    words = ["seed", name, "--label", "y", "--map", "0=legit", "--map", "1=fraud", "--json"]
    first, second = (json.loads(streamsel(folder, *words).stdout.splitlines()[-1]) for _ in range(2))
    assert first["model_version"] == first["labels"]
    assert second["model_version"] == 2 * first["labels"]


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        ("id,amount,y\n1,3,0\n2,4,7\n", "row 3: column 'y' is '7'"),
        ("id,amount,y\n1,3,\n", "row 2: column 'y' is missing or empty"),
        ("id,amount,y\n1,3\n", "row 2 has 2 cells, the header 3"),
        ("id,y\n1,0\n", "row 2: the event has no value for any feature"),
        ("", "the first row must name the columns"),
    ],
)
def test_a_bad_file_changes_nothing_and_names_the_row(folder: Path, content: str, mistake: str) -> None:
    """Exit 1 with one line; no server was even started."""
    (folder / "history.csv").write_text(content)
    refused = streamsel(folder, "seed", "history.csv", "--label", "y", "--map", "0=legit")
    assert refused.returncode == 1
    assert mistake in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (folder / ".streamsel").exists()


def test_a_broker_that_is_not_there_is_one_line(folder: Path) -> None:
    """Exit 1, naming the address."""
    refused = streamsel(folder, "serve", STREAMSEL_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert refused.returncode == 1
    assert "127.0.0.1:1" in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stderr
