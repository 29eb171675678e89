"""``streamsel pool`` as a person types it: what it prints and writes, what it puts on the desk."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from streamsel import config, wiring
from streamsel.adapters.clock import SystemClock
from streamsel.codec import decode_log_record, query_id_of
from streamsel.metrics import Metrics
from streamsel.records import Label
from streamsel.review.reviewers import Reviewer
from streamsel.services.desk import Desk
from tests.cli.typed import Ran, object_of, streamsel

FIGURES = {"events", "labelled", "picked", "strategy", "preset", "utility_mean", "seconds", "ids"}
CONFIGURATION = """
[stream]
exclude = ["shop"]
segments = ["shop"]
[labels]
names = ["legit", "fraud"]
[[select.rules]]
name = "tiny"
ask = "never"
field = "amount"
op = "<"
value = 0
[[select.quotas]]
name = "shops"
segment = "shop"
least = 0.5
"""


def pool(folder: Path, *words: str) -> Ran:
    return streamsel(folder, "pool", *words)


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a file of 300 events, 60 of them labelled; its path is short, for the embedded server's socket."""
    draw = random.Random(1)
    rows = ["id,amount,age,shop,y"]
    for row in range(300):
        amount, age = draw.gauss(0, 1), draw.gauss(0, 1)
        label = ("fraud" if amount + age > 0 else "legit") if row < 60 else ""
        rows.append(f"e{row},{amount:.4f},{age:.4f},{draw.choice('aaaab')},{label}")
    with TemporaryDirectory(prefix="pool-") as directory:
        path = Path(directory)
        (path / "history.csv").write_text("\n".join(rows) + "\n")
        yield path


def test_its_help_shows_an_example(folder: Path) -> None:
    """What to type stands where one looks first."""
    assert "Example: streamsel pool" in pool(folder, "--help").stdout


def test_a_batch_is_picked_to_one_object(folder: Path) -> None:
    """With the promised keys; none of the labelled events, and the same for the same seed."""
    shown, again = (
        object_of(pool(folder, "history.csv", "--label", "y", "-k", "20", "--json")) for _ in range(2)
    )
    assert set(shown) == FIGURES
    assert (shown["events"], shown["labelled"], shown["picked"]) == (300, 60, 20)
    assert (shown["strategy"], shown["preset"]) == ("hybrid", "logistic")
    assert 0.5 < shown["utility_mean"] <= 1.0
    assert len({*shown["ids"]} - {f"e{row}" for row in range(60)}) == 20
    assert shown["ids"] == again["ids"]


def test_without_labels_the_options_still_count(folder: Path) -> None:
    """People get a line an event; the label column must then be excluded."""
    ran = pool(folder, "history.csv", "--exclude", "y", "--strategy", "coreset", "--limit", "100", "-k", "7")
    first, *lines = ran.stdout.splitlines()
    assert first == "7 of 100 events picked, 0 are labelled already."
    assert len({line.split()[1] for line in lines}) == 7


def test_rules_and_quotas_of_the_configuration_apply(folder: Path) -> None:
    """Each is named in what is written."""
    (folder / "streamsel.toml").write_text(CONFIGURATION)
    object_of(pool(folder, "history.csv", "--label", "y", "-k", "20", "--output", "picked.csv", "--json"))
    with (folder / "picked.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert all(float(row["amount"]) >= 0 for row in rows)
    assert sum(row["shop"] == "b" for row in rows) == 10
    ruled = [row for row in rows if row["streamsel.lane"] == "rule"]
    assert ruled
    assert all("quota:shops:" in row["streamsel.rules"] for row in ruled)
    assert [row["streamsel.rank"] for row in rows] == [str(place) for place in range(1, 21)]


async def test_the_picks_are_on_the_desk_and_their_labels_in_the_log(folder: Path) -> None:
    """Once, however often the command runs; a reviewer's label arrives as any other."""
    (folder / "streamsel.toml").write_text(CONFIGURATION)
    words = ("history.csv", "--label", "y", "-k", "5", "--desk", "--json")
    shown, again = (object_of(pool(folder, *words)) for _ in range(2))
    assert (shown["offered"], again["offered"]) == (5, 0)
    settings = config.load(
        folder / "streamsel.toml", {"STREAMSEL_REDIS__DATA_DIR": str(folder / ".streamsel")}
    )
    async with wiring.opened_review_queue(settings) as queue, wiring.opened_label_log(settings) as log:
        desk = Desk(queue, log, settings.labels.names, SystemClock(), Metrics())
        claims = await desk.claim(Reviewer("alice"), count=10)
        assert {claim.query.query_id for claim in claims} == {query_id_of(one) for one in shown["ids"]}
        assert all("y" not in {*claim.query.features, *claim.query.context} for claim in claims)
        await desk.label(claims[0].query.query_id, claims[0].fence, "alice", "fraud", "key")
        ((_, record),) = await log.read(0, 10, 0.0)
    label = decode_log_record(record)
    assert isinstance(label, Label)
    assert (label.event_id, label.label, label.propensity) == (claims[0].query.event_id, "fraud", 0.0)
    assert label.probabilities == claims[0].query.probabilities != {}


def test_where_all_is_labelled_nothing_is_picked(folder: Path) -> None:
    """That is no mistake."""
    (folder / "done.csv").write_text("id,a,y\n1,2,no\n2,3,yes\n")
    shown = object_of(pool(folder, "done.csv", "--label", "y", "--json", "--output", "none.jsonl"))
    assert (shown["picked"], shown["utility_mean"], shown["ids"]) == (0, None, [])
    assert (folder / "none.jsonl").read_bytes() == b""


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        (("missing.csv",), "does not exist"),
        (("history.csv", "--label", "fraud"), "no column 'fraud'; it has id, amount, age, shop, y"),
        (("history.csv", "--exclude", "shoop"), "did you mean 'shop'?"),
        (("history.csv", "--strategy", "entropie"), "did you mean 'entropy'?"),
        (("history.csv", "--strategy", "nowhere.to:find"), "'nowhere.to' can't be imported"),
        (("history.csv", "--label", "y", "--strategy", "committee_kl"), "--strategy"),
        (("history.csv", "--preset", "logistics"), "--preset"),
        (("history.csv", "-k", "0"), "--k"),
        (("history.csv", "--output", "picked.txt"), "must end in one of .jsonl, .csv"),
        (("history.csv", "--output", "nowhere/picked.csv"), "there is no directory"),
        (("history.csv", "--config", "missing.toml"), "missing.toml"),
    ],
)
def test_a_mistake_on_the_command_line_is_bad_usage(
    folder: Path, words: tuple[str, ...], mistake: str
) -> None:
    """Exit 2, saying what would be right; nothing on stdout."""
    refused = pool(folder, *words)
    told = " ".join(refused.stderr.split())
    assert (refused.returncode, refused.stdout) == (2, "")
    assert mistake in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("content", "words", "mistake"),
    [
        ("", (), "the first row must name the columns"),
        ("id,a,y\n", (), "there is no row to pick from"),
        ("id,a,y\n1,2\n", (), "row 2 has 2 cells, the header 3"),
        ("id,a,y\n1,2,no\n1,3,\n", (), "row 3: column 'id' is '1' as in row 2"),
        ("id,a,y\n1,2,maybe\n2,3,\n", ("--desk",), "'maybe' is not one of the labels negative, positive"),
    ],
)
def test_a_bad_file_is_one_line(folder: Path, content: str, words: tuple[str, ...], mistake: str) -> None:
    """Exit 1, with the row, the column and what was expected; no server was started for it."""
    (folder / "bad.csv").write_text(content)
    refused = pool(folder, "bad.csv", "--label", "y", *words)
    assert (refused.returncode, refused.stdout) == (1, "")
    (line,) = refused.stderr.splitlines()
    assert line.startswith("streamsel: bad.csv: ")
    assert mistake in line
    assert not (folder / ".streamsel").exists()
