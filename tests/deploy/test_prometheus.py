"""Scraping and alerts, judged by promtool and by what the program exports."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.promql import unknown_names


@pytest.fixture(scope="module")
def alerts(deploy: Path) -> list[dict[str, Any]]:
    rules = yaml.safe_load((deploy / "prometheus/rules/streamsel.yml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]


@pytest.fixture(scope="module")
def alert_tests(deploy: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load((deploy / "prometheus/tests/streamsel.yml").read_text())
    tests: list[dict[str, Any]] = content["tests"]
    return tests


@pytest.mark.prometheus
def test_promtool_accepts_the_configuration_and_its_rules(promtool: str, deploy: Path) -> None:
    """Prometheus starts with it."""
    _accepts(promtool, "check", "config", "--lint-fatal", deploy / "prometheus/prometheus.yml")


@pytest.mark.prometheus
def test_every_alert_fires_when_it_must_and_only_then(promtool: str, deploy: Path) -> None:
    """promtool runs the alerts over invented series."""
    _accepts(promtool, "test", "rules", deploy / "prometheus/tests/streamsel.yml")


def test_every_alert_is_shown_to_fire_and_to_stay_silent(
    alerts: list[dict[str, Any]], alert_tests: list[dict[str, Any]]
) -> None:
    """No alert goes in without both tests."""
    expected = [case for test in alert_tests for case in test["alert_rule_test"]]
    named = {alert["alert"] for alert in alerts}
    assert {case["alertname"] for case in expected if case["exp_alerts"]} == named
    assert {case["alertname"] for case in expected if not case["exp_alerts"]} == named


def test_every_alert_has_a_runbook(alerts: list[dict[str, Any]], root: Path) -> None:
    """A page of its own that says what it means, how to see it and how to mend it; beside them, what the
    commands take for granted, and how to restore everything."""
    for alert in alerts:
        name, address = alert["alert"], alert["annotations"]["runbook_url"]
        assert address == f"docs/runbooks/{name}.md"
        headings = [line for line in (root / address).read_text().splitlines() if line.startswith("#")]
        assert headings == [f"# {name}", "## What it means", "## See", "## Mend"], name
    pages = {path.stem for path in (root / "docs/runbooks").glob("*.md")}
    assert pages == {alert["alert"] for alert in alerts} | {"restore", "README"}


def test_alerts_ask_only_for_what_is_exported(alerts: list[dict[str, Any]]) -> None:
    """An alert over a name that does not exist would never fire."""
    assert {alert["alert"]: unknown_names(alert["expr"]) for alert in alerts} == {
        alert["alert"]: [] for alert in alerts
    }


def test_the_series_of_the_alert_tests_are_exported(alert_tests: list[dict[str, Any]]) -> None:
    """Invented series stand for real ones."""
    series = {entry["series"] for test in alert_tests for entry in test["input_series"]}
    assert {name: unknown_names(name) for name in series} == {name: [] for name in series}


def test_every_alert_says_what_is_wrong_and_how_urgent_it_is(alerts: list[dict[str, Any]]) -> None:
    """Whoever is woken needs both."""
    for alert in alerts:
        assert alert["labels"]["severity"] in {"page", "ticket"}, alert["alert"]
        assert alert["annotations"]["summary"], alert["alert"]
        assert alert["annotations"]["description"], alert["alert"]


def test_both_services_of_the_compose_file_are_scraped_under_the_alerts_names(deploy: Path) -> None:
    """The alerts know them as streamsel-selector and streamsel-desk."""
    configuration = yaml.safe_load((deploy / "prometheus/prometheus.yml").read_text())
    services = yaml.safe_load((deploy / "compose.yaml").read_text())["services"]
    scraped = {
        scrape["job_name"]: name
        for scrape in configuration["scrape_configs"]
        for discovery in scrape["dns_sd_configs"]
        for name in discovery["names"]
    }
    assert scraped == {"streamsel-selector": "selector", "streamsel-desk": "desk"}
    assert set(scraped.values()) <= set(services)


def _accepts(promtool: str, *arguments: str | Path) -> None:
    judged = subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr
