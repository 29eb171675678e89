"""Posting messages to an address of somebody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from streamsel.ports.webhooks import NotDelivered

ANSWER_SECONDS = 10.0


class HttpEndpoint:
    """One address. A redirect is not followed: the message would go where nobody has said it may. Of the
    answer only the status is read."""

    def __init__(self, url: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._url = url
        self._answer_seconds = answer_seconds
        self._client = httpx.AsyncClient(follow_redirects=False, timeout=answer_seconds)

    async def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """See ``WebhookEndpoint``."""
        try:
            async with (
                asyncio.timeout(self._answer_seconds),
                self._client.stream("POST", self._url, content=body, headers=headers) as response,
            ):
                if not response.is_success:
                    raise NotDelivered(f"status {response.status_code}")
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            raise NotDelivered(type(error).__name__) from error

    async def close(self) -> None:
        await self._client.aclose()
