"""``streamsel report`` as a person types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from streamsel import config, wiring
from streamsel.codec import encode_log_record
from tests.cli.typed import object_of, streamsel
from tests.services.evidence_records import LABEL


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, for the embedded server's socket."""
    with TemporaryDirectory(prefix="cli-") as directory:
        path = Path(directory)
        (path / "streamsel.toml").write_text('[labels]\nnames = ["fine", "fraud"]\n')
        yield path


async def write(folder: Path, labels: int, since: int = 0) -> None:
    settings = config.load(
        folder / "streamsel.toml", {"STREAMSEL_REDIS__DATA_DIR": str(folder / ".streamsel")}
    )
    async with wiring.opened_label_log(settings) as log:
        made = encode_log_record(LABEL)
        await log.append(
            [made.replace(b'"label_id":"q1"', b'"label_id":"q%d"' % n) for n in range(since, since + labels)]
        )


async def test_three_files_are_written_and_stay_what_they_were(folder: Path) -> None:
    """The same offset gives the same bytes, whatever has come since."""
    await write(folder, 20)
    said = streamsel(folder, "report", "--output", "one")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == "dataset-sheet.md, model-card.md, report.json of offset 20 are in one.\n"
    await write(folder, 5, since=20)
    told = object_of(streamsel(folder, "report", "--at", "20", "--output", "two", "--json"))
    names = sorted(path.name for path in (folder / "one").iterdir())
    assert names == ["dataset-sheet.md", "model-card.md", "report.json"]
    for name in names:
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes()
    assert json.loads((folder / "one" / "report.json").read_bytes()) == told
    assert told["dataset"]["composition"]["labels"] == told["at"] == 20


async def test_without_a_folder_both_documents_are_printed(folder: Path) -> None:
    """To be read, or piped."""
    await write(folder, 2)
    shown = streamsel(folder, "report")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("# Dataset sheet\n")
    assert "\n# Model card\n" in shown.stdout
    assert "10(2)(f)" in shown.stdout


def test_an_offset_that_is_not_there(folder: Path) -> None:
    """One line, and exit status 1."""
    refused = streamsel(folder, "report", "--at", "7")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "streamsel: the label log ends at offset 0 and does not reach 7\n"
