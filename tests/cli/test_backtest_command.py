"""``streamsel backtest`` as a person types it: what it prints, its exit codes, what a mistake is told."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.cli.typed import Ran, object_of, streamsel
from tests.core.backtest_runs import FIGURES

PLAIN = ("--label", "y", "--strategy", "entropy", "--preset", "logistic")


def backtest(folder: Path, *words: str) -> Ran:
    return streamsel(folder, "backtest", *words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a file of 600 events whose label follows from two numbers, nearly always."""
    path = tmp_path_factory.mktemp("backtest")
    draw = random.Random(1)
    rows = ["id,amount,age,shop,at,y"]
    for row in range(600):
        amount, age = draw.gauss(0, 1), draw.gauss(0, 1)
        label = "fraud" if amount + age + draw.gauss(0, 0.3) > 1 else "legit"
        rows.append(f"e{row},{amount:.4f},{age:.4f},{draw.choice('ab')},{1_700_000_000 + row},{label}")
    (path / "history.csv").write_text("\n".join(rows) + "\n")
    return path


def test_a_file_is_played_to_one_object(folder: Path) -> None:
    """With the promised keys, over every event; no bar where there is no terminal."""
    shown = object_of(backtest(folder, "history.csv", *PLAIN, "--budget", "0.2", "--json"))
    assert list(shown) == FIGURES
    assert (shown["events"], shown["strategy"], shown["preset"], shown["budget"]) == (
        600,
        "entropy",
        "logistic",
        0.2,
    )
    assert 0 < shown["labels"] <= 0.25 * 600
    assert shown["accuracy"] > 0.8


def test_the_same_words_give_the_same_digest(folder: Path) -> None:
    """Whatever else runs beside it; another seed gives another."""
    words = ("history.csv", *PLAIN, "--json", "--limit", "300", "--budget", "0.3")
    alone = object_of(backtest(folder, *words))
    beside = object_of(backtest(folder, *words, "--compare", "margin", "--seeds", "2", "--workers", "2"))
    other = object_of(backtest(folder, *words, "--seed", "2"))
    assert alone["final_digest"] == beside["final_digest"] != other["final_digest"]


def test_strategies_are_compared_in_one_pass(folder: Path) -> None:
    """Each with its figures; with random among them there is a verdict."""
    words = ("--compare", "random,margin", "--seeds", "2", "--workers", "1", "--json")
    shown = object_of(backtest(folder, "history.csv", *PLAIN, *words))
    assert set(shown["compared"]) == {"random", "margin"}
    assert shown["compared"]["margin"]["strategy"] == "margin"
    assert set(shown["intervals"]) == {"accuracy", "balanced_accuracy", "roc_auc", "average_precision", "f1"}
    assert shown["verdict"]["pays"] in ("yes", "no", "unclear")


def test_a_report_is_written(folder: Path) -> None:
    """By segment as asked for; the lines for people on stdout."""
    ran = backtest(folder, "history.csv", *PLAIN, "--segment", "shop", "--report", "report.html")
    assert ran.returncode == 0
    assert "all labels" in ran.stdout
    page = (folder / "report.html").read_text()
    assert "shop = a" in page
    assert "Backtest of history.csv" in page


def test_reviewers_are_simulated(folder: Path) -> None:
    """Two at half a minute a review answer fewer than a budget of half the events, in ten minutes."""
    words = ("--reviewers", "2", "--review-seconds", "30", "--timestamp", "at", "--budget", "0.5")
    away = ("--absent", "200:300", "--burst", "100:150:5")
    shown = object_of(backtest(folder, "history.csv", *PLAIN, *words, *away, "--json"))
    assert 0 < shown["labels"] < 60
    assert shown["backlog_p95"] > 0
    assert shown["busy"] > 0.5


CONFIGURED = """
[stream]
exclude = ["id", "at"]
segments = ["shop"]

[model]
preset = "tree"

[select]
strategy = "entropy"
budget = 0.2
"""
NEVER = """
[[select.rules]]
name = "small"
ask = "never"
field = "amount"
op = "<"
value = 100.0
"""


def test_what_no_option_says_is_as_configured(folder: Path) -> None:
    """Fields, model, strategy and budget of the file named; an option counts before it."""
    (folder / "ours.toml").write_text(CONFIGURED)
    words = ("history.csv", "--label", "y", "--config", "ours.toml", "--json")
    shown = object_of(backtest(folder, *words))
    assert (shown["strategy"], shown["preset"], shown["budget"]) == ("entropy", "tree", 0.2)
    assert shown["labels"] == pytest.approx(120, abs=20)
    told = object_of(backtest(folder, *words, "--preset", "logistic", "--budget", "0.1"))
    assert (told["strategy"], told["preset"], told["budget"]) == ("entropy", "logistic", 0.1)


def test_configured_rules_apply(folder: Path) -> None:
    """Where nothing may be asked about, no label comes."""
    (folder / "never.toml").write_text(CONFIGURED + NEVER)
    words = ("history.csv", "--label", "y", "--config", "never.toml", "--json")
    assert object_of(backtest(folder, *words))["labels"] == 0


def test_more_labels_than_two_are_told_apart(folder: Path) -> None:
    """Any number found in the column."""
    rows = "".join(f'{{"a": {row % 3}, "y": "{"xyz"[row % 3]}"}}\n' for row in range(300))
    (folder / "three.jsonl").write_text(rows)
    shown = object_of(backtest(folder, "three.jsonl", *PLAIN, "--budget", "0.5", "--json"))
    assert shown["events"] == 300
    assert shown["roc_auc"] is not None


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        (("missing.csv", "--label", "y"), "does not exist"),
        (("history.csv",), "--label"),
        (("history.csv", "--label", "fraud"), "no column 'fraud'; it has id, amount, age, shop, at, y"),
        (("history.csv", "--label", "y", "--exclude", "shoop"), "did you mean 'shop'?"),
        (("history.csv", "--label", "y", "--strategy", "entropie"), "did you mean 'entropy'?"),
        (("history.csv", "--label", "y", "--compare", "random,entropie"), "did you mean 'entropy'?"),
        (("history.csv", "--label", "y", "--strategy", "nowhere.to:find"), "'nowhere.to' can't be imported"),
        (("history.csv", *PLAIN, "--compare", "committee_kl"), "committee_kl needs a committee"),
        (("history.csv", "--label", "y", "--preset", "logistics"), "--preset"),
        (("history.csv", "--label", "y", "--budget", "1.5"), "--budget"),
        (("history.csv", "--label", "y", "--budget", "nan"), "--budget"),
        (("history.csv", "--label", "y", "--report", "nowhere/report.html"), "there is no directory"),
        (("history.csv", "--label", "y", "--burst", "1:2:3"), "needs --reviewers"),
        (("history.csv", "--label", "y", "--reviewers", "1", "--burst", "9:2:3"), "not START:STOP:FACTOR"),
        (("history.csv", "--label", "y", "--reviewers", "1", "--absent", "9"), "not START:STOP"),
        (("history.csv", "--label", "y", "--review-seconds", "0"), "is not a number above 0"),
    ],
)
def test_a_mistake_on_the_command_line_is_bad_usage(
    folder: Path, words: tuple[str, ...], mistake: str
) -> None:
    """Exit 2, saying what would be right; nothing on stdout."""
    refused = backtest(folder, *words)
    told = " ".join(refused.stderr.split())
    assert (refused.returncode, refused.stdout) == (2, "")
    assert mistake in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        ("a,y\n1,0\n2,0\n", "column 'y' must hold two or more different labels"),
        ("a,y\n1,0\n2\n", "row 3 has 1 cells, the header 2; column 'y' is the first without one"),
        ("a,y\n1,0\n2,\n", "row 3: column 'y' is missing or empty; it must hold the label"),
        ("a,y\n1,0\n1e200,1\n", "row 3: feature 'a' is 1e+200; it must lie within"),
        ("", "the first row must name the columns"),
    ],
)
def test_a_bad_file_is_one_line(folder: Path, content: str, mistake: str) -> None:
    """Exit 1, with the row, the column and what was expected."""
    (folder / "bad.csv").write_text(content)
    refused = backtest(folder, "bad.csv", "--label", "y")
    assert (refused.returncode, refused.stdout) == (1, "")
    (line,) = refused.stderr.splitlines()
    assert line.startswith("streamsel: bad.csv: ")
    assert mistake in line
