"""Simulated reviewers: people with a pace, an error and breaks, who work through the HTTP API.

Their time is compressed: a review of 0.2 s stands for one of 25 s.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

_WAIT_SECONDS = 5.0
"""Of a long poll for work."""
_OUTAGE_SECONDS = 0.5
"""Before calling again when nobody answered."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a reviewer works. Times in seconds, shares in [0, 1]."""

    mean_seconds: float = 0.2
    """Of a review; reviews are spread log-normally about it."""
    spread: float = 0.5
    """Standard deviation of the logarithm of a review's seconds."""
    error: float = 0.05
    """Share of answers that are wrong."""
    break_chance: float = 0.02
    """Of a break after an answer."""
    break_seconds: float = 1.0

    def review_seconds(self, rng: random.Random) -> float:
        """How long one review takes; the mean over many is ``mean_seconds``."""
        return rng.lognormvariate(math.log(self.mean_seconds) - self.spread**2 / 2.0, self.spread)

    def answer(self, rng: random.Random, truth: str, labels: tuple[str, ...]) -> str:
        """The label given to an event: the truth, or with probability ``error`` another one."""
        if rng.random() >= self.error:
            return truth
        return rng.choice([label for label in labels if label != truth])


class SimulatedReviewer:
    """One reviewer with an API key. ``truth_of`` an event id is what they would see in it."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        key: str,
        truth_of: Callable[[str], str],
        labels: tuple[str, ...],
        habits: Habits,
        seed: int,
    ) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}"}
        self._truth_of = truth_of
        self._labels = labels
        self._habits = habits
        self._rng = random.Random(seed)  # noqa: S311 - a simulation, and to be repeated
        self.answered = 0
        """Answers that count."""
        self.lost = 0
        """Answers that came too late to count."""

    async def work(self) -> None:
        """Claims and answers until cancelled. Raises ``httpx.HTTPStatusError`` for a response that no
        reviewer could do anything about."""
        while True:
            for claim in await self._claim():
                await asyncio.sleep(self._habits.review_seconds(self._rng))
                await self._answer(claim["query_id"], claim["fence"], claim["query"]["event_id"])
            if self._rng.random() < self._habits.break_chance:
                await asyncio.sleep(self._habits.break_seconds)

    async def _claim(self) -> list[dict[str, Any]]:
        body = {"count": 1, "wait_seconds": _WAIT_SECONDS}
        response = await self._call("POST", "/v1/claims", body, {})
        claims: list[dict[str, Any]] = response.raise_for_status().json()
        return claims

    async def _answer(self, query_id: str, fence: int, event_id: str) -> None:
        label = self._habits.answer(self._rng, self._truth_of(event_id), self._labels)
        body = {"label": label, "fence": fence}
        key = {"Idempotency-Key": f"{query_id}-{fence}"}
        response = await self._call("PUT", f"/v1/claims/{query_id}/label", body, key)
        if response.status_code in (httpx.codes.CONFLICT, httpx.codes.NOT_FOUND):
            self.lost += 1
        else:
            response.raise_for_status()
            self.answered += 1

    async def _call(
        self, method: str, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> httpx.Response:
        """Repeated, with the same key, until somebody answers who is not out of order."""
        while True:
            try:
                response = await self._client.request(
                    method, path, json=body, headers=self._headers | headers
                )
            except httpx.TransportError:
                await asyncio.sleep(_OUTAGE_SECONDS)
                continue
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return response
            await asyncio.sleep(float(response.headers.get("Retry-After", _OUTAGE_SECONDS)))
