"""``streamsel labels quality`` as a person types it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from streamsel import config, wiring
from streamsel.codec import encode_log_record
from streamsel.records import LogRecord
from tests.cli.typed import object_of, streamsel
from tests.core.review_records import answer, gold, opinion

RIGHT = {"ann": 0.95, "bob": 0.9, "cyd": 0.6}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, for the embedded server's socket."""
    with TemporaryDirectory(prefix="cli-") as directory:
        path = Path(directory)
        (path / "streamsel.toml").write_text('[labels]\nnames = ["fine", "fraud"]\n')
        yield path


async def write(folder: Path, records: list[LogRecord]) -> None:
    settings = config.load(
        folder / "streamsel.toml", {"STREAMSEL_REDIS__DATA_DIR": str(folder / ".streamsel")}
    )
    async with wiring.opened_label_log(settings) as log:
        await log.append([*map(encode_log_record, records), b"no record"])


def simulated(queries: int) -> list[LogRecord]:
    """Three reviewers of known accuracy, a consensus on most queries, and one gold question in ten."""
    draw = random.Random(5)
    log: list[LogRecord] = []
    for number in range(queries):
        truth = draw.choice(("fine", "fraud"))
        other = "fraud" if truth == "fine" else "fine"
        for slot, (name, right) in enumerate(RIGHT.items(), start=1):
            label = truth if draw.random() < right else other
            log.append(opinion(label, name, slot, query_id=f"q{number}", seconds=5.0 * slot))
        if number:
            log.append(answer(truth, "ann,bob,cyd", query_id=f"q{number}", source="consensus", seconds=None))
        if number % 10 == 0:
            log += [gold(draw.random() < right, name, number) for name, right in RIGHT.items()]
    return log


async def test_the_report_finds_what_each_reviewer_is_worth(folder: Path) -> None:
    """Of simulated reviewers of known accuracy: by agreement and gold, and by Dawid and Skene."""
    await write(folder, records := simulated(500))
    report = object_of(streamsel(folder, "labels", "quality", "--json"))
    assert report["records"] == len(records) + 1
    assert (report["overlapping"], report["disputed"], report["note"]) == (500, 1, "")
    assert 0.3 < report["alpha"] < 0.5
    assert [one["name"] for one in report["reviewers"]] == list(RIGHT)
    for slot, one in enumerate(report["reviewers"], start=1):
        right = RIGHT[one["name"]]
        assert one["answered"] == 550
        assert one["median_seconds"] == 5.0 * slot
        assert one["compared"] == 1_000
        low, high = one["gold_interval"]
        assert one["gold_asked"] == 50
        assert low < one["gold_accuracy"] < high
        assert one["accuracy"] == pytest.approx(right, abs=0.06)
        assert report["dawid_skene"]["reviewers"][one["name"]]["accuracy"] == pytest.approx(right, abs=0.06)


async def test_people_get_a_table(folder: Path) -> None:
    """A line for each reviewer; what cannot be told yet is a dash."""
    await write(folder, [answer(by="dan", query_id="alone"), opinion("fine", "eve", slots=2)])
    shown = streamsel(folder, "labels", "quality")
    assert shown.returncode == 0
    _, dan, eve, summary = shown.stdout.splitlines()
    assert dan.split() == ["dan", "1", "10.0", "–", "–", "0.800", "–"]
    assert eve.split()[:-1] == ["eve", "1", "10.0", "–", "–", "0.800"]
    assert summary == "0 queries were answered by several; 0 wait to be decided."


async def test_without_crowd_kit_the_rest_is_shown(folder: Path) -> None:
    """And how to install the extra."""
    await write(folder, [opinion("fine", "eve", slots=2)])
    (folder / "crowdkit.py").write_text("raise ImportError(name='crowdkit')\n")
    report = object_of(streamsel(folder, "labels", "quality", "--json"))
    assert report["dawid_skene"] is None
    assert "pip install 'streamsel[quality]'" in report["note"]
    assert streamsel(folder, "labels", "quality").stdout.splitlines()[-1] == report["note"]


def test_an_empty_log_is_no_mistake(folder: Path) -> None:
    """Nobody has answered."""
    shown = streamsel(folder, "labels", "quality")
    assert (shown.returncode, shown.stdout) == (0, "No reviewer has answered yet.\n")
