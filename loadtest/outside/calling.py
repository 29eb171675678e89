"""The API as one caller uses it, by plain HTTP with an API key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from loadtest.outside.service_process import bearer


class Caller:
    """Calls of one key at one service."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(self, events: Sequence[bytes]) -> None:
        """Puts events into the stream."""
        headers = {"Content-Type": "application/x-ndjson"}
        response = await self._client.post("/v1/events", content=b"\n".join(events), headers=headers)
        response.raise_for_status()

    async def claim(self, count: int = 1, wait_seconds: float = 10.0) -> list[dict[str, Any]]:
        """Claims queries."""
        body = {"count": count, "wait_seconds": wait_seconds}
        claims: list[dict[str, Any]] = await self._json("POST", "/v1/claims", json=body)
        return claims

    async def label(self, claim: dict[str, Any], label: str) -> httpx.Response:
        """Answers a claim, under a key by which a repetition is known."""
        return await self._client.put(
            f"/v1/claims/{claim['query_id']}/label",
            json={"label": label, "fence": claim["fence"]},
            headers={"Idempotency-Key": f"{claim['query_id']}/{claim['fence']}"},
        )

    async def query(self, query_id: str) -> dict[str, Any]:
        """A query and where it stands."""
        return await self._get(f"/v1/queries/{query_id}")

    async def queue(self) -> dict[str, Any]:
        """The desk at a glance."""
        return await self._get("/v1/queue")

    async def model(self) -> dict[str, Any]:
        """The serving model."""
        return await self._get("/v1/model")

    async def metric(self, sample: str) -> float:
        """A sample of ``/metrics``, named with its labels as it is written there; 0 before it is there."""
        text = (await self._client.get("/metrics")).raise_for_status().text
        values = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(f"{sample} ")]
        return float(values[0]) if values else 0.0

    async def _get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = await self._json("GET", path)
        return found

    async def _json(self, method: str, path: str, **request: Any) -> Any:
        return (await self._client.request(method, path, **request)).raise_for_status().json()


@asynccontextmanager
async def calling(url: str, secret: str) -> AsyncIterator[Caller]:
    """Calls ``url`` with a key."""
    async with httpx.AsyncClient(base_url=url, headers=bearer(secret), timeout=30.0) as client:
        yield Caller(client)
