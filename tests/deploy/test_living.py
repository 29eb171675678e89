"""The stack of compose.yaml alive on this machine: every command and environment as they stand there."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from streamsel.demo.transactions import transactions
from tests.deploy.dashboards import asked
from tests.deploy.promql import names_in
from tests.deploy.stack import NOT_STARTED, Stack
from tests.deploy.use import Users, listening

pytestmark = [pytest.mark.kafka, pytest.mark.prometheus, pytest.mark.slow, pytest.mark.timeout(900)]

EVENTS = 5_000
"""Sent at once: so many must be decided before drift can be told."""
UNTROUBLED = {
    "streamsel_snapshots_refused_total",
    "streamsel_drift_found_timestamp_seconds",
}
"""Series that there are only once something has happened which does not happen here."""
_PATIENCE_SECONDS = 240.0
_LOOK_AGAIN_SECONDS = 0.5


class Living:
    """A stack in use."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._client = httpx.Client(base_url=stack.prometheus_url, timeout=30.0)

    def query(self, expression: str) -> list[float]:
        """The values Prometheus gives."""
        try:
            response = self._client.get("/api/v1/query", params={"query": expression})
        except httpx.TransportError:
            return []
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return []
        found = response.raise_for_status().json()["data"]
        return [float(one["value"][1]) for one in found["result"]]

    def firing(self) -> list[str]:
        """The alerts that fire."""
        found = self._client.get("/api/v1/alerts").raise_for_status().json()["data"]["alerts"]
        return [alert["labels"]["alertname"] for alert in found if alert["state"] == "firing"]

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def living(deploy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """Long enough in use that everything that tells of itself has something to tell."""
    directory, users = tmp_path_factory.mktemp("stack"), Users()
    with listening() as listener, Stack(deploy, directory, users.environment(directory, listener)) as stack:
        desk = stack.replicas["desk"][0].url
        for name in ("selector", "desk"):
            for replica in stack.replicas[name]:
                until(partial(_is_ready, replica.url), f"{replica.name} ready", stack)
        with users.reviewing(desk), closing(Living(stack)) as living:
            _use(users, desk)
            for metric in (
                'live_quality{measure="accuracy",window="hour",bound="low"} < 1',  # false of NaN
                "drift",
                "challenger_labels",
                "webhooks_total",
                "oracle_agreement",
            ):
                until(partial(living.query, f"streamsel_{metric}"), metric, stack)
            yield living


def until(holds: Callable[[], Any], what: str, stack: Stack) -> None:
    """Waits for it, as long as every process of ours runs."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not in time: {what}"
        assert all(replica.process for replica in stack.all_replicas)
        time.sleep(_LOOK_AGAIN_SECONDS)


def test_every_service_is_started(living: Living) -> None:
    """But Grafana, of which there is no server to be had."""
    assert living.stack.started == set(living.stack.services) - NOT_STARTED


def test_events_are_decided_by_both_selectors_and_answered_by_people_and_outcomes(living: Living) -> None:
    """The loop is closed."""
    decided = 'streamsel_events_total{job="streamsel-selector"}'
    assert [one > 0 for one in living.query(decided)] == [True, True]
    assert any(living.query('streamsel_labels_total{source="reviewer"}'))
    assert any(living.query('streamsel_oracle_answers_total{oracle="outcomes"}'))


def test_prometheus_scrapes_each_of_them(living: Living) -> None:
    """Under the names that the alerts know, and nothing is alarming."""
    assert living.query('up{job="streamsel-selector"}') == [1.0, 1.0]
    assert living.query('up{job="streamsel-desk"}') == [1.0]
    assert living.firing() == []


def test_every_panel_of_every_dashboard_has_data(living: Living, deploy: Path) -> None:
    """What Grafana would ask for is there, and is a number."""
    found = {one: living.query(one.filled("20s")) for one in asked(deploy)}
    assert {one for one, values in found.items() if not any(map(math.isfinite, values))} == set()


def test_the_metrics_that_panels_show_come_from_the_running_service(living: Living, deploy: Path) -> None:
    """None but those of trouble that there was none of is made up by an ``or``."""
    names = {name for one in asked(deploy) for name in names_in(one.filled("20s"))}
    assert {name for name in names if not living.query(name)} <= UNTROUBLED


def test_the_image_s_health_check_finds_each_server_healthy(living: Living, deploy: Path) -> None:
    """The command as it stands in the Dockerfile, in the environment the process itself has."""
    text = re.sub(r"\\\n\s*", "", (deploy / "Dockerfile").read_text())
    (command,) = re.findall(r"HEALTHCHECK .*?CMD (\[.*\])", text)
    for name in ("selector", "desk"):
        for replica in living.stack.replicas[name]:
            checked = subprocess.run(
                [sys.executable, *json.loads(command)[1:]], env=replica.environment, timeout=30, check=False
            )
            assert checked.returncode == 0, replica.name


def test_each_process_drains_and_ends_with_status_0_on_sigterm(living: Living) -> None:
    """As ``docker compose stop`` tells them. Must come last here."""
    assert {replica.name: replica.end() for replica in living.stack.all_replicas} == {
        replica.name: 0 for replica in living.stack.all_replicas
    }


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=30.0).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _use(users: Users, desk: str) -> None:
    """A challenger to follow, a load beside what the producer sends, and events that are none."""
    with users.client("root", desk) as root:
        challenge = {
            "action": "challenge",
            "reason": "to see one",
            "model": {"preset": "tree"},
            "rule": {"metric": "accuracy"},
        }
        root.post("/v1/model/directives", json=challenge).raise_for_status()
    load = [
        orjson.dumps({**one.event, "time": time.time()}) for one in islice(transactions(2, EVENTS), EVENTS)
    ]
    load[::1_000] = [b'{"amount": NaN}'] * len(load[::1_000])
    with users.client("shop", desk) as shop:
        for start in range(0, EVENTS, 1_000):
            lines = load[start : start + 1_000]
            headers = {"Content-Type": "application/x-ndjson"}
            shop.post("/v1/events", content=b"\n".join(lines), headers=headers).raise_for_status()
