"""What comes of a backtest: the object, the lines and the page."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import orjson
import pytest

from streamsel.backtest.report import html
from streamsel.backtest.results import Results, as_json, labels_saved
from streamsel.backtest.results_text import text
from streamsel.backtest.trace import Plan, ReviewerPlan
from streamsel.backtest.whole import backtest
from tests.core.backtest_runs import FIGURES, PLAN, made_up, stream

HOSTILE = "<img src=x onerror=alert(1)>\"'&.csv"
REVIEWERS = ReviewerPlan(3, 5.0, 20, 900.0)


def results(plan: Plan = PLAN, labels: tuple[str, ...] = ("no", "yes"), **options: object) -> Results:
    given: dict[str, object] = {"source": HOSTILE, "review_seconds": 36.0, "watch": lambda _: lambda _: None}
    return backtest(stream(labels=labels), plan, made_up, **given | options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def reported() -> Results:
    return results(
        replace(PLAN, reviewers=REVIEWERS, events_per_second=5.0), compared=["margin"], seeds=3, reported=True
    )


def test_one_run_is_told_by_its_figures() -> None:
    """Under the names that are promised, with no verdict where nothing was compared."""
    shown = as_json(results())
    assert list(shown) == FIGURES
    assert (shown["events"], shown["labels"], shown["final_digest"]) == (400, 40, "entropy-1")


def test_several_seeds_give_means_with_intervals(reported: Results) -> None:
    """Also of those it is compared with; and the verdict."""
    shown = as_json(reported)
    for figures in (shown, *shown["compared"].values()):
        low, high = figures["intervals"]["accuracy"]
        assert low < figures["accuracy"] < high
    assert list(shown["compared"]) == ["margin", "random", "all labels"]
    assert shown["verdict"]["pays"] == "yes"
    assert shown["compared"]["all labels"]["labels"] == 400


def test_simulated_reviewers_add_their_figures(reported: Results) -> None:
    """Backlog, age, how busy they were and what expired."""
    shown = as_json(reported)
    assert shown["backlog_p95"] > 0
    assert shown["age_p95_seconds"] > 0
    assert 0 < shown["busy"] <= 1
    assert "backlog_p95" not in shown["compared"]["all labels"]


def test_what_could_not_be_measured_is_null() -> None:
    """JSON has no NaN."""
    plan = replace(PLAN, events_per_second=5.0, reviewers=replace(REVIEWERS, reviewers=1, review_seconds=1e6))
    shown = as_json(results(plan))
    assert shown["age_p95_seconds"] is None
    assert orjson.loads(orjson.dumps(shown)) == shown


def test_the_lines_for_people_hold_every_strategy_and_the_verdict(reported: Results) -> None:
    """With half the interval behind each score."""
    lines = text(reported).splitlines()
    assert [line.split("  ")[0] for line in lines[1:5]] == ["entropy", "margin", "random", "all labels"]
    assert all("±" in line for line in lines[1:5])
    assert lines[6] == "Active selection pays on this stream."


def test_labels_saved_are_told_as_share_of_what_random_needs(reported: Results) -> None:
    """As many random labels lie between two of the random runs."""
    said = labels_saved(reported)
    found = re.search(
        r"needs about ([\d,]+) labels .* as 40 labels of entropy: (\d+) % of the labels saved", said
    )
    assert found is not None
    needed, saved = int(found[1].replace(",", "")), int(found[2])
    assert 40 < needed < 400
    assert saved == pytest.approx(100 * (1 - 40 / needed), abs=2)


class Page(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(content)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_stands_by_itself(reported: Results) -> None:
    """No script, nothing fetched, every element closed."""
    content = html(reported)
    page = Page(content)
    assert not {"script", "img", "link", "iframe", "object", "a"} & set(page.elements)
    assert not {name for name, _ in page.attributes if name in ("src", "href") or name.startswith("on")}
    assert "http" not in content
    assert "url(" not in content


def test_what_comes_from_the_file_is_only_text(reported: Results) -> None:
    """The file's name and a segment's value are markup; the page shows them as they are."""
    page = Page(html(reported))
    assert f"Backtest of {HOSTILE}" in page.texts
    assert "shop = <b>east</b>" in page.texts
    assert "b" not in page.elements


def test_the_page_has_every_part(reported: Results) -> None:
    """Scores, curves, rounds, segments, reviewers, the verdict and how it was measured."""
    page = Page(html(reported))
    for title in (
        "Active selection pays on this stream.",
        "Scores over all events",
        "Accuracy over the latest tenth of the events, by labels used",
        "reviewer hours",
        "Accuracy over all events, by number of labels",
        "By round: entropy",
        "By segment: entropy",
        "Backlog over time",
        "Age of answers over time",
        "How this was measured",
    ):
        assert title in page.texts
    assert page.elements.count("tr") == 5 + 11 + 3 + 4


def test_without_reviewers_and_seeds_the_page_does_without_their_parts() -> None:
    """One run of several labels, random itself: nothing to judge."""
    page = Page(html(results(replace(PLAN, strategy="random"), labels=("a", "b", "c"), reported=True)))
    assert "Backlog over time" not in page.texts
    assert not [one for one in page.texts if "Active selection" in one]
    assert "±" not in "".join(page.texts)
