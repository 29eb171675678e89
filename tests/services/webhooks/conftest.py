"""A label log and a store on a real Valkey, and an endpoint on a real port that does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_positions import RedisDeliveryPositions
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisLabelLog
from streamsel.client import Webhook, verify_webhook
from streamsel.codec import encode_log_record
from streamsel.records import Label, LogRecord, Retraction

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def label(number: int, source: str = "reviewer", revision: int = 1) -> Label:
    """The answer to a query whose event holds what is for reviewers' eyes alone."""
    return Label(
        label_id=f"q{number}",
        revision=revision,
        event_id=f"tx-{number}",
        label="fraud",
        source=source,  # type: ignore[arg-type]
        labelled_by="ana",
        labelled_at=1_800_000_000.0,
        features={"iban": "for reviewers alone"},
        query_id=None if source == "seed" else f"q{number}",
        lane="uncertain",
    )


def retraction(label_id: str) -> Retraction:
    """Of a label or an opinion."""
    return Retraction(label_id, 2, "undone", "ana", 1_800_000_001.0)


@dataclass
class Receiver:
    """Verifies and keeps what it is sent. ``status`` says what it answers to the next messages, 204 when that
    is used up; ``before`` is awaited before each answer."""

    url: str = ""
    status: list[int] = field(default_factory=list)
    before: Callable[[], Awaitable[None]] | None = None
    attempts: list[Webhook] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    traceparents: list[str | None] = field(default_factory=list)
    taken: list[Webhook] = field(default_factory=list)
    location: str = ""
    """Where a redirect leads."""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Of HTTP/1.1 as much as this takes; one message a connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = dict(line.split(": ", 1) for line in head)
        body = await reader.readexactly(int(headers["Content-Length"]))
        message = verify_webhook(headers, body, SECRET)
        self.bodies.append(body)
        self.traceparents.append(headers.get("traceparent"))
        self.attempts.append(message)
        await self._tell()
        if self.before is not None:
            await self.before()
        status = self.status.pop(0) if self.status else 204
        answer = [f"HTTP/1.1 {status} X", f"Location: {self.location}", "Content-Length: 0"]
        writer.write("\r\n".join([*answer, "Connection: close", "", ""]).encode())
        if status < 300:
            self.taken.append(message)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        await self._tell()

    async def wait_for(self, reached: Callable[[], bool]) -> None:
        """Until what came is enough."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(reached)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somebody who wants to be told."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    yield receiver
    server.close()
    await server.wait_closed()


class Records:
    """The label log, written to as a desk would."""

    def __init__(self, log: RedisLabelLog) -> None:
        self.log = log

    async def append(self, *records: LogRecord) -> None:
        await self.log.append([encode_log_record(record) for record in records])


@pytest.fixture
async def records(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Records]:
    """An empty label log."""
    log = RedisLabelLog(RedisStreams(valkey.url, prefix))
    yield Records(log)
    await log.close()


@pytest.fixture
async def client(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    """Of the store."""
    client = Redis.from_url(valkey.url, retry=Retry(NoBackoff(), 0))
    yield client
    await client.aclose()


@pytest.fixture
def positions(client: Redis, prefix: str) -> RedisDeliveryPositions:
    """Where deliveries stand."""
    return RedisDeliveryPositions(client, prefix)
