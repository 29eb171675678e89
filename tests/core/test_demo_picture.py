"""What people see of a demo, and what programs read of it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from streamsel.demo.picture import Picture, sparkline, svg
from streamsel.demo.summary import DemoSummary
from streamsel.demo.view import View
from streamsel.records import Query

QUERY = Query(
    query_id="q1",
    event_id="tx-0000007",
    lane="uncertain",
    propensity=1.0,
    utility=0.9,
    probabilities={"legit": 0.58, "fraud": 0.42},
    model_version=3,
    decided_at=0.0,
    features={"amount": 93.5, "channel": "online", "merchant": "digital"},
)
SUMMARY = DemoSummary(
    events=10,
    decisions=10,
    queries=2,
    queries_repeated=0,
    queries_expired=0,
    labels=2,
    query_fraction=0.2,
    backlog_p95=1.0,
    backlog_target=2,
    age_p95_seconds=0.5,
    accuracy=0.9,
    accuracy_random=0.8,
    balanced_accuracy=0.7,
    balanced_accuracy_random=0.6,
    average_precision=float("nan"),
    average_precision_random=0.1,
    events_per_second=450.0,
    model_version=2,
    digest="5d1a",
    interrupted=False,
)


def picture() -> Picture:
    return Picture(
        events=20_000, target_backlog=16, title="streamsel demo", link="http://127.0.0.1:1/#token=t"
    )


def drawn(shown: Picture) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(shown.draw())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_demo_that_has_just_begun_can_be_drawn() -> None:
    """Nothing measured yet is no failure."""
    assert "0 of 20,000" in drawn(picture())


def test_the_picture_shows_the_figures_and_the_last_queries() -> None:
    """Counts, backlog against target, both accuracies, and what was asked and answered."""
    shown = picture()
    shown.decided, shown.backlog, shown.accuracy, shown.accuracy_random = 12_000, 14, 0.9713, 0.9582
    shown.recent.append(QUERY)
    shown.answers = {"q1": "fraud"}
    text = drawn(shown)
    for said in ("12,000 of 20,000", "14 of 16", "0.9713", "0.9582", "tx-0000007", "93.50", "0.42", "fraud"):
        assert said in text


def test_the_picture_as_svg_fetches_nothing() -> None:
    """A README that shows it must not call anyone."""
    image = svg(picture())
    assert image.startswith("<svg")
    assert "src:" not in image
    assert "@font-face" not in image


@pytest.mark.parametrize(
    ("values", "top", "line"),
    [([], None, ""), ([0.0, 0.0], None, "▁▁"), ([0.0, 4.0, 8.0], None, "▁▅█"), ([8.0, 40.0], 16.0, "▅█")],
)
def test_a_sparkline_has_a_bar_for_each_value(values: list[float], top: float | None, line: str) -> None:
    """From nothing to the largest, or to the top given."""
    assert sparkline(values, top) == line


def test_without_a_terminal_there_are_lines_and_no_control_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The link at once, then the gist every few seconds."""
    now = [0.0]
    monkeypatch.setattr("streamsel.demo.view.time.monotonic", lambda: now[0])
    output = io.StringIO()
    with View(picture(), Console(file=output)) as view:
        view.show()
        now[0] = 6.0
        view.show()
        view.show()
    lines = output.getvalue().splitlines()
    assert lines[0] == "label along: http://127.0.0.1:1/#token=t"
    assert len(lines) == 2
    assert lines[1].startswith("0/20,000 events")
    assert "\x1b" not in output.getvalue()


def test_the_summary_says_null_for_what_could_not_be_measured() -> None:
    """JSON has no NaN."""
    content = SUMMARY.as_json()
    assert content["average_precision"] is None
    assert content["accuracy"] == 0.9


def test_the_summary_for_people_names_both_accuracies() -> None:
    """The point of the demo in one line."""
    assert "90.00%; 80.00% with as many random labels" in SUMMARY.as_text()
