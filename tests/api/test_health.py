"""What probes and Prometheus read."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from streamsel.api.parts import Readiness
from tests.api.reviewing import Reviewing


async def test_a_process_is_alive_and_ready(stranger: httpx.AsyncClient) -> None:
    """Both say so in JSON."""
    assert (await stranger.get("/healthz")).json() == {"status": "alive"}
    assert (await stranger.get("/readyz")).json() == {"status": "ready"}


async def test_a_process_that_is_not_ready_says_why(desk: Reviewing, stranger: httpx.AsyncClient) -> None:
    """503 with all reasons; it is alive all the same, and may be ready again."""
    desk.readiness[0] = Readiness(False, ["the desk does not answer", "the model is 300 labels behind"])
    response = await stranger.get("/readyz")
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert int(response.headers["Retry-After"]) > 0
    assert response.json()["type"] == "/problems/not-ready"
    assert response.json()["reasons"] == ["the desk does not answer", "the model is 300 labels behind"]
    assert (await stranger.get("/healthz")).status_code == 200
    desk.readiness[0] = Readiness(True)
    assert (await stranger.get("/readyz")).status_code == 200


async def test_metrics_are_in_the_text_format(desk: Reviewing, stranger: httpx.AsyncClient) -> None:
    """As any Prometheus reads it."""
    desk.parts.metrics.labels.labels("reviewer", "fraud").inc(3)
    response = await stranger.get("/metrics")
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    total = next(sample for sample in families["streamsel_labels"].samples if sample.name.endswith("_total"))
    assert total.value == 3
    assert total.labels == {"source": "reviewer", "label": "fraud"}
