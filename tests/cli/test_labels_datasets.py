"""``streamsel labels export``, ``import`` and ``diff`` as a person types them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from streamsel import config, wiring
from streamsel.codec import encode_log_record
from streamsel.records import LogRecord
from tests.cli.typed import object_of, streamsel
from tests.core.learning_strategies import mixed_record, retraction_record

CONFIGURATION = '[labels]\nnames = ["fine", "fraud", "review"]\n'
KEY = 'manifest_key = "sixteen characters"\n'


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, for the embedded server's socket."""
    with TemporaryDirectory(prefix="cli-") as directory:
        path = Path(directory)
        (path / "streamsel.toml").write_text(CONFIGURATION + KEY)
        yield path


async def write(folder: Path, *records: LogRecord) -> None:
    settings = config.load(
        folder / "streamsel.toml", {"STREAMSEL_REDIS__DATA_DIR": str(folder / ".streamsel")}
    )
    async with wiring.opened_label_log(settings) as log:
        await log.append([*map(encode_log_record, records)])


async def test_an_export_is_the_same_in_every_process_and_goes_back_in(folder: Path) -> None:
    """Twice the same bytes, at an offset that is no longer the end; the same log again from the file."""
    draw = random.Random(1)
    await write(folder, *(mixed_record(draw, f"l{number}") for number in range(30)))
    first = object_of(streamsel(folder, "labels", "export", "one.parquet", "--at", "30", "--json"))
    assert (first["at"], first["rows"], first["signed"]) == (30, 30, True)
    await write(folder, retraction_record("l3", 2), mixed_record(draw, "l4", 2), mixed_record(draw, "new"))
    again = object_of(streamsel(folder, "labels", "export", "two.parquet", "--at", "30", "--json"))
    assert again["sha256"] == first["sha256"]
    assert (folder / "one.parquet").read_bytes() == (folder / "two.parquet").read_bytes()
    manifests = [(folder / f"{name}.parquet.manifest.json").read_bytes() for name in ("one", "two")]
    assert manifests[0] == manifests[1]

    differing = streamsel(folder, "labels", "diff", "one.parquet", "33", "--json")
    assert differing.returncode == 1
    told = json.loads(differing.stdout.splitlines()[-1])
    assert (told["added"], told["removed"], told["changed"], told["unchanged"]) == (1, 1, 1, 28)
    assert [one["label_id"] for one in told["first_removed"]] == ["l3"]
    assert object_of(streamsel(folder, "labels", "diff", "30", "two.parquet", "--json"))["same"] is True

    here = object_of(streamsel(folder, "labels", "import", "one.parquet", "--json"))
    assert (here["labels"], here["added"], here["known"], here["end"]) == (30, 0, 30, 33)
    elsewhere = ["labels", "import", "one.parquet", "--config", "other.toml", "--json"]
    (folder / "other.toml").write_text(f'{CONFIGURATION}{KEY}[redis]\ndata_dir = "other"\n')
    imports = [object_of(streamsel(folder, *elsewhere)) for _ in range(2)]
    assert [(one["added"], one["known"], one["end"]) for one in imports] == [(30, 0, 30), (0, 30, 30)]


async def test_a_file_that_was_tampered_with_changes_nothing(folder: Path) -> None:
    """Not the file, nor its manifest, nor both; nor one that was not signed, unless that is wanted."""
    await write(folder, mixed_record(random.Random(2), "l1"))
    object_of(streamsel(folder, "labels", "export", "out.csv", "--json"))
    file, manifest = folder / "out.csv", folder / "out.csv.manifest.json"
    content, signed = file.read_bytes(), manifest.read_bytes()

    def refusal(*words: str) -> str:
        refused = streamsel(folder, "labels", "import", "out.csv", *words)
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
        return refused.stderr

    changed = content.replace(b"l1", b"l2")
    file.write_bytes(changed)
    assert "out.csv was changed: its SHA-256" in refusal()
    fields = json.loads(signed)
    manifest.write_text(json.dumps(fields | {"rows": 7}))
    assert "manifest.json was changed, or is not signed by labels.manifest_key" in refusal()
    manifest.write_text(json.dumps(fields | {"signature": "unsigned"}))
    assert "is not signed" in refusal("--unsigned")
    manifest.write_text("no manifest")
    assert "is no manifest" in refusal()
    manifest.unlink()
    assert "--unsigned takes the file without it" in refusal()
    taken = object_of(streamsel(folder, "labels", "import", "out.csv", "--unsigned", "--json"))
    assert (taken["added"], taken["end"]) == (1, 2)


async def test_mistakes_are_one_line(folder: Path) -> None:
    """An ending that is none, an offset that is not there, a row that is no label."""
    (folder / "streamsel.toml").write_text(CONFIGURATION)
    refused = streamsel(folder, "labels", "export", "labels.xlsx")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert ".parquet, .jsonl, .csv" in refused.stderr
    refused = streamsel(folder, "labels", "export", "labels.jsonl", "--at", "1")
    assert refused.returncode == 1
    assert refused.stderr == "streamsel: the label log ends at offset 0 and does not reach 1\n"
    assert not (folder / "labels.jsonl").exists()
    (folder / "labels.jsonl").write_text('{"label_id": "1", "event_id": "e", "label": "fine"}\n')
    refused = streamsel(folder, "labels", "import", "labels.jsonl")
    assert (refused.returncode, refused.stderr) == (
        1,
        "streamsel: row 1: field 'labelled_at' is missing\n",
    )


async def test_an_unsigned_manifest_says_so(folder: Path) -> None:
    """Without a key."""
    (folder / "streamsel.toml").write_text(CONFIGURATION)
    await write(folder, mixed_record(random.Random(3), "l1"))
    assert object_of(streamsel(folder, "labels", "export", "out.jsonl", "--json"))["signed"] is False
    manifest = json.loads((folder / "out.jsonl.manifest.json").read_bytes())
    assert (manifest["signature"], manifest["rows"], manifest["at"]) == ("unsigned", 1, 1)


@pytest.mark.parametrize("command", ["export", "import", "diff"])
def test_help_shows_an_example(folder: Path, command: str) -> None:
    """What to type stands where one looks first."""
    assert "Example: streamsel labels" in streamsel(folder, "labels", command, "--help").stdout
