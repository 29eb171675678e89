"""``streamsel labels erase`` as a person types it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from streamsel import config, wiring
from streamsel.codec import encode_log_record
from tests.cli.typed import object_of, streamsel
from tests.core.learning_strategies import mixed_record


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, for the embedded server's socket."""
    with TemporaryDirectory(prefix="cli-") as directory:
        path = Path(directory)
        (path / "streamsel.toml").write_text(
            '[labels]\nnames = ["fine", "fraud", "review"]\nretain_days = 1\n'
        )
        yield path


async def test_a_subject_is_erased_while_nobody_uses_the_logs(folder: Path) -> None:
    """Refused while a process has the log open, but for a dry run; then what is exported lacks it, in a new
    epoch."""
    settings = config.load(
        folder / "streamsel.toml", {"STREAMSEL_REDIS__DATA_DIR": str(folder / ".streamsel")}
    )
    draw = random.Random(1)
    words = ["labels", "erase", "--subject", "email=a@b.c", "--json"]
    async with wiring.opened_label_log(settings) as log:
        labels = [mixed_record(draw, f"l{number}") for number in range(5)]
        labels[2] = replace(labels[2], features={**labels[2].features, "email": "a@b.c"})
        await log.append([*map(encode_log_record, labels)])
        refused = streamsel(folder, *words)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith("streamsel: these use the logs and must be stopped first: ")
        dry = object_of(streamsel(folder, *words, "--dry-run"))
        assert (dry["dry_run"], dry["found"]["labels"], await log.end()) == (True, 1, 5)
    erased = object_of(streamsel(folder, *words))
    assert (erased["epoch"], erased["exports_from"], erased["found"]["labels"]) == (2, 2, 1)
    exported = object_of(streamsel(folder, "labels", "export", "left.jsonl", "--json"))
    assert (exported["at"], exported["rows"]) == (4, 4)
    left = (folder / "left.jsonl").read_text()
    assert "a@b.c" not in left
    assert json.loads((folder / "left.jsonl.manifest.json").read_text())["epoch"] == 2
    expired = streamsel(folder, "labels", "erase", "--expired")
    assert (expired.returncode, expired.stderr) == (0, "")
    assert "4 in the label log" in expired.stdout
    async with wiring.opened_label_log(settings) as log:
        assert await log.end() == 0


@pytest.mark.parametrize(
    "words", [[], ["--expired", "--subject", "a=b"], ["--subject", "a"], ["--subject", "=b"]]
)
def test_what_to_erase_must_be_said(folder: Path, words: list[str]) -> None:
    """Exit 2, and nothing on stdout."""
    refused = streamsel(folder, "labels", "erase", *words)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Traceback" not in refused.stderr
