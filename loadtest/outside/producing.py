"""Events from outside: by a Kafka client, or by HTTP where there is no Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

import httpx

from loadtest.outside.service_process import bearer
from loadtest.outside.transactions import transaction

Send = Callable[[Sequence[bytes]], Awaitable[None]]
"""Durable on return."""

POISON = b'{"id": "tx-broken", "amount":'
_AGAIN_SECONDS = 0.1


def over_http(url: Callable[[], str | None], secret: str) -> Send:
    """By ``POST /v1/events``, again and again until the desk takes them: an event may so come twice."""

    async def send(events: Sequence[bytes]) -> None:
        headers = {"Content-Type": "application/x-ndjson", **bearer(secret)}
        async with httpx.AsyncClient(headers=headers, timeout=10.0) as client:
            while True:
                try:
                    response = await client.post(f"{url()}/v1/events", content=b"\n".join(events))
                except (httpx.TransportError, httpx.UnsupportedProtocol):
                    await asyncio.sleep(_AGAIN_SECONDS)
                    continue
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    response.raise_for_status()
                    return
                await asyncio.sleep(_AGAIN_SECONDS)

    return send


@dataclass
class Producer:
    """Sends transactions steadily until it is told to stop, and goes on from there when it produces again;
    some come twice, some are no events."""

    send: Send
    rng: Random
    events_per_second: float = 200.0
    repeated: float = 0.02
    broken: float = 0.01
    stopping: bool = False
    _numbers: Iterator[int] = field(default_factory=count, init=False)

    async def produce(self) -> None:
        """In batches of ten."""
        sent: list[bytes] = []
        while not self.stopping:
            batch = []
            for _ in range(10):
                draw = self.rng.random()
                if draw < self.broken:
                    batch.append(POISON)
                elif sent and draw < self.broken + self.repeated:
                    batch.append(self.rng.choice(sent))
                else:
                    sent.append(transaction(next(self._numbers)))
                    batch.append(sent[-1])
            await self.send(batch)
            await asyncio.sleep(10 / self.events_per_second)
