"""Reviewers by plain HTTP, who try again with the same key whatever becomes of the servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from loadtest.outside.service_process import bearer

_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A label the desk has confirmed."""

    query_id: str
    label: str
    labelled_by: str
    offset: int


@dataclass
class Reviewer:
    """Claims and answers until it is told to stop. ``url`` says where the desk is just now, if anywhere."""

    name: str
    secret: str
    url: Callable[[], str | None]
    truth: Callable[[dict[str, Any]], str]
    """The label of a query's content."""
    rng: Random
    review_seconds: float = 0.02
    gives_up: float = 0.0
    """Share of answers not tried again when nobody confirmed them."""
    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: int = 0
    """Answers that came too late to count."""
    given_up: int = 0
    stopping: bool = False

    async def work(self) -> None:
        async with httpx.AsyncClient(headers=bearer(self.secret), timeout=10.0) as client:
            while not self.stopping:
                for claim in await self._claim(client):
                    await asyncio.sleep(self.rng.expovariate(1.0 / self.review_seconds))
                    await self._answer(client, claim)

    async def _claim(self, client: httpx.AsyncClient) -> list[dict[str, Any]]:
        response = await self._call(client, "POST", "/v1/claims", {"count": 2, "wait_seconds": 1.0})
        if response is None:
            await asyncio.sleep(_AGAIN_SECONDS)
            return []
        claims: list[dict[str, Any]] = response.raise_for_status().json()
        return claims

    async def _answer(self, client: httpx.AsyncClient, claim: dict[str, Any]) -> None:
        query_id, label = claim["query_id"], self.truth(claim["query"])
        body = {"label": label, "fence": claim["fence"]}
        key = f"{query_id}/{claim['fence']}"
        while (
            response := await self._call(client, "PUT", f"/v1/claims/{query_id}/label", body, key)
        ) is None:
            if self.rng.random() < self.gives_up:
                self.given_up += 1
                return
            await asyncio.sleep(_AGAIN_SECONDS)
        if response.status_code in (httpx.codes.CONFLICT, httpx.codes.NOT_FOUND):
            self.refused += 1
            return
        answer = response.raise_for_status().json()
        self.acknowledged.append(Acknowledged(query_id, label, self.name, answer["offset"]))

    async def _call(
        self, client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any], key: str = ""
    ) -> httpx.Response | None:
        """The response; ``None`` when there was none, or one that says to try again."""
        headers = {"Idempotency-Key": key} if key else {}
        try:
            response = await client.request(method, f"{self.url()}{path}", json=body, headers=headers)
        except (httpx.TransportError, httpx.UnsupportedProtocol):
            return None
        return None if response.status_code == httpx.codes.SERVICE_UNAVAILABLE else response
