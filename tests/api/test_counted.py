"""Calls are counted by how they were answered."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamsel.services.desk import Desk
from tests.api.reviewing import Reviewing


async def counted(stranger: httpx.AsyncClient) -> dict[tuple[str, str], float]:
    """Calls by status and problem."""
    text = (await stranger.get("/metrics")).text
    return {
        (sample.labels["status"], sample.labels["problem"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "streamsel_calls_total"
    }


async def test_calls_are_counted_by_status_and_kind_of_problem(
    ana: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    """What was done, what the route refused, and what never came as far as a route."""
    await ana.get("/v1/queue")
    await ana.post("/v1/claims", json={})
    await ana.get("/v1/queries/unknown")
    await stranger.get("/v1/queue")
    assert await counted(stranger) == {
        ("200", "none"): 2,
        ("404", "unknown-query"): 1,
        ("401", "unauthenticated"): 1,
    }


async def test_probes_are_not_counted(stranger: httpx.AsyncClient) -> None:
    """Their number would hide how many real calls fail."""
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await stranger.get(path)).status_code == 200
    assert await counted(stranger) == {}


async def test_a_mistake_of_ours_counts_as_one(
    desk: Reviewing, ana: httpx.AsyncClient, stranger: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though what answers it lies outside of everything else."""

    async def mistaken(_: Desk) -> None:
        raise ZeroDivisionError

    assert desk.parts.desk is not None
    monkeypatch.setattr(Desk, "status", mistaken)
    assert (await ana.get("/v1/queue")).status_code == 500
    assert await counted(stranger) == {("500", "internal"): 1}
