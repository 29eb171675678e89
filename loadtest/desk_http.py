"""Reviewer programs at the desk's HTTP API: claim one query, answer it, and so on."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import numpy as np
import orjson
from numpy.typing import NDArray

from loadtest.desk_store import LABELS

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END_OF_HEAD = b"\r\n\r\n"


class Answer(NamedTuple):
    """A response, and when it had been read."""

    status: int
    body: bytes
    at: float


@dataclass
class Cycles:
    """What a run of claims, each with its answer, has measured; all in seconds."""

    wall_seconds: float = 0.0
    claims: list[float] = field(default_factory=list)
    """Of each claim: from when it was to be sent until it was read."""
    labels: list[float] = field(default_factory=list)
    """Of each answer: from when its claim was read."""
    late: list[float] = field(default_factory=list)
    """How long after its time the generator itself came to each cycle."""

    @property
    def all_calls(self) -> NDArray[np.float64]:
        return np.array(self.claims + self.labels)

    @property
    def per_second(self) -> float:
        return len(self.labels) / self.wall_seconds


class ReviewerProgram(asyncio.Protocol):
    """One caller with one connection that is kept, and one call at a time."""

    def __init__(self, address: str, secret: str) -> None:
        host = urlsplit(address).netloc
        self._head = f"Host: {host}\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\n"
        self._received = b""
        self._answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    @classmethod
    async def connected(cls, address: str, secret: str) -> ReviewerProgram:
        host, port = urlsplit(address).netloc.split(":")
        program, loop = cls(address, secret), asyncio.get_running_loop()
        await loop.create_connection(lambda: program, host, int(port))
        return program

    def close(self) -> None:
        self._transport.close()

    async def cycle(self, cycles: Cycles, intended: float | None = None) -> None:
        """A claim and its answer; the claim's time counts from ``intended``, or from now."""
        start = time.perf_counter() if intended is None else intended
        claimed = await self._call("POST", "/v1/claims", {"count": 1})
        if claimed.status != 200 or claimed.body == b"[]":
            raise RuntimeError(f"a claim was answered with {claimed.status}: {claimed.body[:500]!r}")
        (claim,) = orjson.loads(claimed.body)
        query_id, fence = claim["query_id"], claim["fence"]
        label = LABELS[fence % len(LABELS)]
        labelled = await self._call(
            "PUT", f"/v1/claims/{query_id}/label", {"label": label, "fence": fence}, key=f"{query_id}/{fence}"
        )
        if labelled.status != 201:
            raise RuntimeError(f"a label was answered with {labelled.status}: {labelled.body[:500]!r}")
        cycles.claims.append(claimed.at - start)
        cycles.labels.append(labelled.at - claimed.at)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(_END_OF_HEAD)
        if found and (length := _LENGTH.search(head)) and len(body) >= int(length[1]):
            self._received = b""
            if not self._answered.done():  # the run may have been given up
                self._answered.set_result(Answer(int(head[9:12]), body, time.perf_counter()))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("the desk closed the connection"))

    async def _call(self, method: str, path: str, content: object, key: str = "") -> Answer:
        body = orjson.dumps(content)
        own = f"Idempotency-Key: {key}\r\n" if key else ""
        head = f"{method} {path} HTTP/1.1\r\n{self._head}{own}Content-Length: {len(body)}\r\n\r\n"
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(head.encode() + body)
        return await self._answered


async def closed_loop(programs: Sequence[ReviewerProgram], most: int, seconds: float) -> Cycles:
    """Every program begins its next cycle when one is done, for ``seconds`` or ``most`` cycles."""
    cycles, began, left = Cycles(), time.perf_counter(), iter(range(most))

    async def work(program: ReviewerProgram) -> None:
        while time.perf_counter() < began + seconds and next(left, None) is not None:
            await program.cycle(cycles)

    async with asyncio.TaskGroup() as group:
        for program in programs:
            group.create_task(work(program))
    cycles.wall_seconds = time.perf_counter() - began
    return cycles


async def open_loop(
    programs: Sequence[ReviewerProgram], per_second: float, most: int, seconds: float
) -> Cycles:
    """Cycles begin at times drawn beforehand, as of reviewers who know nothing of each other (Poisson).

    Whatever holds one up counts from its intended time: Tene, "How NOT to measure latency", 2013.
    """
    cycles, began = Cycles(), time.perf_counter()
    free: asyncio.Queue[ReviewerProgram] = asyncio.Queue()
    for program in programs:
        free.put_nowait(program)

    async def work(intended: float) -> None:
        program = await free.get()
        await program.cycle(cycles, intended)
        free.put_nowait(program)

    async with asyncio.TaskGroup() as group:
        for intended in _times(began, per_second, most, seconds):
            await asyncio.sleep(intended - time.perf_counter())
            cycles.late.append(time.perf_counter() - intended)
            group.create_task(work(intended))
    cycles.wall_seconds = time.perf_counter() - began
    return cycles


def _times(began: float, per_second: float, most: int, seconds: float) -> Iterator[float]:
    random, intended = Random(1), began
    for _ in range(most):
        intended += random.expovariate(per_second)
        if intended > began + seconds:
            return
        yield intended
