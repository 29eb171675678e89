"""The Grafana dashboard and its provisioning."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.promql import unknown_names

ASKED_FOR = {
    "streamsel_events_total",
    "streamsel_queries_total",
    "streamsel_query_fraction",
    "streamsel_gate_threshold",
    "streamsel_review_backlog",
    "streamsel_review_backlog_target",
    "streamsel_review_oldest_seconds",
    "streamsel_labels_total",
    "streamsel_model_version",
    "streamsel_stage_seconds_bucket",
    "streamsel_dead_letters_total",
}


@pytest.fixture(scope="module")
def dashboard(deploy: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((deploy / "grafana/dashboards/streamsel.json").read_text())
    return content


@pytest.fixture(scope="module")
def expressions(dashboard: dict[str, Any]) -> list[str]:
    """All queries, with Grafana's variables filled in."""
    return [
        target["expr"].replace("$__rate_interval", "1m").replace("$budget", "0.05")
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]


def test_panels_ask_only_for_what_is_exported(expressions: list[str]) -> None:
    """A panel over a name that does not exist would stay empty."""
    assert {expression: unknown_names(expression) for expression in expressions} == {
        expression: [] for expression in expressions
    }


def test_the_whole_loop_is_on_the_dashboard(expressions: list[str]) -> None:
    """Rates, backlog, ages, labels, throughput, model and dead letters are all shown."""
    shown = " ".join(expressions)
    assert {name for name in ASKED_FOR if name not in shown} == set()


def test_panels_do_not_overlap_and_have_ids_of_their_own(dashboard: dict[str, Any]) -> None:
    """Grafana would move or drop them."""
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(panel["title"], panel["gridPos"]) for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for _, place in places)
    assert [
        (a, b) for (a, one), (b, other) in itertools.combinations(places, 2) if _overlap(one, other)
    ] == []


def test_every_panel_draws_from_the_provisioned_data_source(dashboard: dict[str, Any], deploy: Path) -> None:
    """The dashboard's variable starts at the source that provisioning creates."""
    provisioned = yaml.safe_load((deploy / "grafana/provisioning/datasources/prometheus.yaml").read_text())
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    (source,) = provisioned["datasources"]
    assert variables["datasource"]["current"]["value"] == source["uid"]
    assert variables["datasource"]["query"] == source["type"]
    drawn_from = [
        place["datasource"]["uid"]
        for panel in dashboard["panels"]
        if panel["type"] != "row"
        for place in (panel, *panel["targets"])
    ]
    assert set(drawn_from) == {"${datasource}"}


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )
