"""Claims through the desk's script alone: on each of many connections the next as soon as one is answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import hiredis
import numpy as np
from numpy.typing import NDArray
from redis.asyncio import Redis

from loadtest.desk_store import Recording, cpu_seconds
from streamsel.adapters.redis_desk import RedisReviewQueue
from streamsel.review.reviewers import Reviewer


class Claims(NamedTuple):
    """All claims of one run."""

    wall_seconds: float
    latencies: NDArray[np.float64]
    """Seconds from sending to reading, one a claim."""
    store_cpu_seconds: float
    generator_cpu_seconds: float


async def commands(queue: RedisReviewQueue, client: Recording, reviewers: int) -> Sequence[bytes]:
    """A claim of each reviewer as the desk sends it; each has then made it once."""
    written = []
    for number in range(reviewers):
        await queue.claim(Reviewer(f"reviewer-{number}"), (), 1)
        # Its declared type asks for a tuple of one.
        written.append(hiredis.pack_command(client.words))  # type: ignore[arg-type]
    return written


async def claim_all(client: Redis, socket: str, claims: Sequence[bytes], most: int, seconds: float) -> Claims:
    """A connection for each command, one claim at a time on each; for ``seconds`` or ``most`` claims."""
    run = _Run(most)
    lines = [_Line(run, command) for command in claims]
    loop = asyncio.get_running_loop()
    for line in lines:
        await loop.create_unix_connection(lambda line=line: line, socket)  # type: ignore[misc]
    store, generator, began = await cpu_seconds(client), time.process_time(), time.perf_counter()
    run.until = began + seconds
    for line in lines:
        line.claim()
    await asyncio.gather(*(line.ended for line in lines))
    wall, generator = time.perf_counter() - began, time.process_time() - generator
    return Claims(wall, np.array(run.latencies), await cpu_seconds(client) - store, generator)


class _Run:
    """What the connections share."""

    def __init__(self, most: int) -> None:
        self.left = most
        self.until = 0.0
        self.latencies: list[float] = []


class _Line(asyncio.Protocol):
    """One connection: no pipelining, and no more between socket and figure than must be."""

    def __init__(self, run: _Run, command: bytes) -> None:
        self._run = run
        self._command = command
        self._reader = hiredis.Reader()
        self._sent = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def claim(self) -> None:
        """Sends the next one, if there is to be one."""
        self._sent = time.perf_counter()
        if self._run.left <= 0 or self._sent >= self._run.until:
            self._transport.close()
            self.ended.set_result(None)
            return
        self._run.left -= 1
        self._transport.write(self._command)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        reply: Any = self._reader.gets()
        if reply is False:
            return  # not whole yet
        if not isinstance(reply, list) or len(reply) < 2:
            self._transport.close()
            self.ended.set_exception(RuntimeError(f"a claim was answered with {reply!r}"))
            return
        self._run.latencies.append(time.perf_counter() - self._sent)
        self.claim()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("the store closed the connection"))
