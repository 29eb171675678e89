"""Outcomes on a Redis stream, and a consumer of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import orjson

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.redis_outcomes import OutcomeStreams
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisLogReader
from streamsel.adapters.redis_streams_sinks import RedisDeadLetterSink, RedisEventIntake
from streamsel.adapters.redis_streams_source import RedisEventSource
from streamsel.codec import decode_dead_letter
from streamsel.codec.layout import Layout
from streamsel.codec.outcomes import OutcomeDecoder
from streamsel.records import DeadLetter
from streamsel.review.oracles import Terms
from streamsel.selection.draws import may_be_held_out
from streamsel.services.oracles.following import AccountsFollower
from streamsel.services.oracles.outcomes import OutcomesConsumer
from tests.services.desk.desks import LABELS, until
from tests.services.oracles.bench import Bench, at_work

TERMS = Terms("outcomes", 50)
TRUTH = Terms("outcomes", 200)
HELD_OUT = 0.01
"""Share of events."""


class Outcomes:
    """What is told, and what comes of it."""

    def __init__(self, bench: Bench, url: str, prefix: str) -> None:
        self.bench = bench
        self._streams = OutcomeStreams(url, prefix)
        self._intake = RedisEventIntake(self._streams, 1)
        self._letters = RedisDeadLetterSink(self._streams)
        self._letter_log = RedisLogReader(self._streams, RedisStreams(url, prefix).dead_letters)

    async def close(self) -> None:
        for part in (self._intake, self._letters, self._letter_log):
            await part.close()

    async def tell(self, *outcomes: dict[str, Any] | bytes) -> None:
        """Puts outcomes into the stream."""
        await self._intake.append([one if isinstance(one, bytes) else orjson.dumps(one) for one in outcomes])

    async def committed(self) -> int:
        """How many are done with."""
        found = await self._intake._client.hget(self._streams.key("group:outcomes:positions"), "0")
        return int(found or 0)

    async def letters(self) -> list[DeadLetter]:
        """All dead letters."""
        return [decode_dead_letter(one) for _, one in await self._letter_log.read(0, 100, 0.0)]

    @asynccontextmanager
    async def consumer(self, *terms: Terms, layout: Layout | None = None) -> AsyncIterator[OutcomesConsumer]:
        """A process that reads them; the first of the ``terms`` are theirs."""
        given = terms or (TERMS,)
        async with self.bench.following(*given) as follower:
            consumer = self._consumer(given[0], follower, layout or Layout())
            async with at_work(consumer):
                yield consumer

    async def killed(self) -> None:
        """A process that reads them until it dies."""
        async with self.bench.following(TERMS) as follower:
            await self._consumer(TERMS, follower, Layout()).run()

    def _consumer(self, terms: Terms, follower: AccountsFollower, layout: Layout) -> OutcomesConsumer:
        return OutcomesConsumer(
            terms,
            RedisEventSource(self._streams, 1, "outcomes", lease_seconds=2.0),
            OutcomeDecoder(layout, LABELS),
            self.bench.store.queue,
            self.bench.log,
            follower,
            self._letters,
            SystemClock(),
            self.bench.metrics,
            partial(may_be_held_out, seed=0, share=HELD_OUT),
        )

    async def told(self, *outcomes: dict[str, Any] | bytes, terms: tuple[Terms, ...] = (TERMS,)) -> None:
        """Tells them, and returns when all told so far are done with."""
        await self.tell(*outcomes)
        end = await self._intake._client.xlen(self._streams.events(0))
        async with self.consumer(*terms):

            async def done() -> bool:
                return await self.committed() == end

            await until(done)
