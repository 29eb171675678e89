"""A label log on a real server, and learners that follow it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_streams import RedisStreams, ensure_streams
from streamsel.adapters.redis_streams_log import RedisLabelLog, RedisLogReader
from streamsel.adapters.redis_streams_sinks import RedisDeadLetterSink
from streamsel.codec import encode_log_record
from streamsel.learning.applied import Outcome
from streamsel.learning.fold import Fold
from streamsel.learning.spec import ModelSpec
from streamsel.metrics import Metrics
from streamsel.records import LogRecord
from streamsel.services.learner import Learner
from tests.core.learning_strategies import mixed_record

LABELS = ("fine", "fraud", "review")
SPEC = ModelSpec(LABELS, text="note")


class Bench:
    """A label log of its own, and learners on it."""

    def __init__(self, streams: RedisStreams) -> None:
        self.streams = streams
        self.log = RedisLabelLog(streams)
        self.dead_letters = RedisDeadLetterSink(streams)
        self.dead_letter_log = RedisLogReader(streams, streams.dead_letters)
        self.written: list[LogRecord | None] = []

    async def aclose(self) -> None:
        for part in (self.log, self.dead_letters, self.dead_letter_log):
            await part.close()

    async def write(self, *records: LogRecord | bytes) -> int:
        """Appends records, or bytes that are none; returns the log's end."""
        encoded = [one if isinstance(one, bytes) else encode_log_record(one) for one in records]
        self.written += [None if isinstance(one, bytes) else one for one in records]
        return (await self.log.append(encoded))[-1] + 1

    def learner(self, spec: ModelSpec = SPEC) -> Learner:
        return Learner(self.log, spec, Metrics(), SystemClock(), self.dead_letters)

    def digest(self, spec: ModelSpec = SPEC) -> str:
        """Of a fold that had seen the whole log before it began."""
        fold = Fold(spec)
        for offset, record in enumerate(self.written):
            fold.note(offset, record)
        for offset, record in enumerate(self.written):
            assert fold.apply(offset, record).outcome is not Outcome.REWIND
        return fold.digest()


@asynccontextmanager
async def bench_on(server: EmbeddedValkey, prefix: str) -> AsyncIterator[Bench]:
    streams = RedisStreams(server.url, prefix)
    await ensure_streams(streams, partitions=1)
    async with aclosing(Bench(streams)) as made:
        yield made


@asynccontextmanager
async def following(learner: Learner) -> AsyncIterator[asyncio.Task[None]]:
    """The learner at work."""
    await learner.catch_up()
    run = asyncio.create_task(learner.run())
    try:
        async with asyncio.timeout(30):
            yield run
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


def mixed_records(count: int, seed: int = 1) -> list[LogRecord]:
    draw = random.Random(seed)
    return [mixed_record(draw, f"{seed}/{index}") for index in range(count)]


def sample(learner: Learner, name: str, **labels: str) -> float | None:
    """One figure of the learner's metrics."""
    return learner._metrics.registry.get_sample_value(name, labels)
