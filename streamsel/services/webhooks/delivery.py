"""One log, told to one endpoint.

    hold (store) ► read (log) ► post, again and again if need be ► delivered (store) ► the next

The next message waits until the one before is delivered or given up, so the log's order is kept and no more
than one read of the log is in memory. The position is noted after the endpoint has taken a message: a process
killed in between tells it once more, under the same id.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from dataclasses import dataclass

import structlog

from streamsel.codec import Unreadable
from streamsel.codec.trace_context import HEADER, trace_fields
from streamsel.metrics import Metrics
from streamsel.ports import Clock, LogReader, SourceUnavailable
from streamsel.ports.webhooks import DeliveryPositions, NotDelivered, WebhookEndpoint
from streamsel.review.refusals import DeskUnreachable, LabelLogUnreachable
from streamsel.services.webhooks.messages import Message, Reading
from streamsel.signing import signature

_RECORDS_A_READ = 100
_READ_SECONDS = 1.0
_OUTAGE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Persistence:
    """How often a message is tried, and how long a process that died keeps others from going on."""

    attempts: int = 12
    """Then it is given up: with these pauses, after a quarter to half of an hour."""
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 600.0
    hold_seconds: float = 30.0
    """Longer than an endpoint may take to answer."""

    def pause(self, failures: int, draw: float) -> float:
        """Seconds after so many failures, 1 or more: doubling, and jittered by ``draw`` in [0, 1) between
        half and all of it, so that those who failed together do not come back together."""
        doubled = self.first_pause_seconds * 2.0 ** min(failures - 1, 60)
        return min(self.longest_pause_seconds, doubled) * (0.5 + draw / 2.0)


class _Lost(Exception):
    """Another process delivers this stream now."""


class Delivery:
    """``run`` until cancelled. Any number of processes may run one for the same stream: one delivers.

    ``stream`` names endpoint and log in the store; what was in the log before that was first heard of is not
    told.
    """

    def __init__(
        self,
        stream: str,
        log: LogReader,
        reading: Reading,
        endpoint: WebhookEndpoint,
        secret: str,
        positions: DeliveryPositions,
        clock: Clock,
        metrics: Metrics,
        persistence: Persistence | None = None,
    ) -> None:
        self._stream = stream
        self._source = log
        self._reading = reading
        self._endpoint = endpoint
        self._secret = secret
        self._positions = positions
        self._clock = clock
        self._outcomes = metrics.webhooks
        self._persistence = persistence or Persistence()
        self._holder = secrets.token_hex(8)
        self._log = structlog.get_logger().bind(stream=stream)

    async def run(self) -> None:
        """Outages of the log and of the store are waited out, and told once."""
        out = False
        while True:
            try:
                await self._deliver_some()
                out = False
            except _Lost:
                await asyncio.sleep(self._persistence.hold_seconds / 3.0)
            except (DeskUnreachable, LabelLogUnreachable, SourceUnavailable) as error:
                if not out:
                    self._log.warning("webhook_outage", error=str(error))
                out = True
                await asyncio.sleep(_OUTAGE_SECONDS)

    async def _deliver_some(self) -> None:
        begun = position = await self._hold()
        if position < 0:
            begun = position = await self._hold(delivered=await self._source.end())
        for offset, content in await self._source.read(position, _RECORDS_A_READ, _READ_SECONDS):
            message = self._message(offset, content)
            if message is not None:
                await self._insist(message)
                await self._hold(delivered=offset + 1)
            position = offset + 1
        if position != begun:
            await self._hold(delivered=position)

    async def _insist(self, message: Message) -> None:
        log = self._log.bind(message_id=message.message_id, **trace_fields(message.traceparent))
        for failures in range(self._persistence.attempts):
            if failures:
                pause = self._persistence.pause(failures, random.random())  # noqa: S311 - only jitter
                await self._hold(pause)
                await asyncio.sleep(pause)
            try:
                await self._endpoint.post(message.body, self._headers(message))
            except NotDelivered as error:
                self._outcomes.labels("failed").inc()
                log.info("webhook_failed", error=str(error))
            else:
                self._outcomes.labels("delivered").inc()
                return
        self._outcomes.labels("dead").inc()
        log.error("webhook_dead")

    def _message(self, offset: int, content: bytes) -> Message | None:
        try:
            return self._reading(offset, content)
        except Unreadable as error:
            self._log.warning("webhook_record_unreadable", offset=offset, error=str(error))
            return None

    def _headers(self, message: Message) -> dict[str, str]:
        now = int(self._clock.time())
        return {
            "Content-Type": "application/json",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(message.message_id, now, message.body, self._secret),
            **({} if message.traceparent is None else {HEADER: message.traceparent}),
        }

    async def _hold(self, pause: float = 0.0, delivered: int | None = None) -> int:
        seconds = pause + self._persistence.hold_seconds
        position = await self._positions.hold(self._stream, self._holder, seconds, delivered)
        if position is None:
            raise _Lost
        return position
