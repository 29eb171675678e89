"""A selector put together over the doubles, with its real decider, gate, pacing and outbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import orjson

from loadtest.inside.doubles import (
    DeadLettersDouble,
    DeskDouble,
    ScorerDouble,
    SinkDouble,
    SourceDouble,
    World,
)
from loadtest.inside.virtual_time import LoopClock
from streamsel.codec import EventDecoder, decode_decision
from streamsel.codec.layout import Layout
from streamsel.metrics import Metrics
from streamsel.records import Decision
from streamsel.selection import CapacityPolicy, QueryStrategy, StrategySettings
from streamsel.services.decider import Decider, Scorer
from streamsel.services.pacing import OnOutage, Pacing
from streamsel.services.selector import Selector

POLICY = CapacityPolicy(budget=0.3, explore=0.2, target_backlog=10_000, expire_seconds=900.0)


def event(number: int, share: float = 0.5) -> bytes:
    """An event the model gives this share of ``yes``."""
    return orjson.dumps({"id": f"e{number}", "p": share})


def some_events(count: int, start: int = 0) -> list[bytes]:
    """Events of which every third is uncertain."""
    return [event(number, 0.5 if number % 3 == 0 else 0.99) for number in range(start, start + count)]


class Stage:
    """One selector over a world."""

    def __init__(
        self,
        world: World,
        *,
        on_outage: OnOutage = "pause",
        scorer: Scorer | None = None,
        partitions: Sequence[int] = (0,),
    ) -> None:
        clock = self.clock = LoopClock()
        metrics = self.metrics = Metrics()
        self.world = world
        self.source = SourceDouble(world, partitions)
        queue = DeskDouble(world)
        self.pacing = Pacing("one", queue, POLICY, on_outage, clock, metrics)  # type: ignore[arg-type]
        self.selector = Selector(
            source=self.source,
            sink=SinkDouble(world),
            dead_letters=DeadLettersDouble(world),
            queue=queue,  # type: ignore[arg-type]
            decider=Decider(
                EventDecoder(Layout()),
                scorer or ScorerDouble(),
                QueryStrategy(StrategySettings("margin")),
                clock,
                metrics,
            ),
            pacing=self.pacing,
            on_outage=on_outage,
            clock=clock,
            metrics=metrics,
            processor_seconds=clock.monotonic,
        )

    def metric(self, name: str, **labels: str) -> float:
        """A metric's value now."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    async def until(self, condition: Callable[[], object], within_seconds: float = 60.0) -> None:
        """Waits in virtual time for a condition; a condition that never comes fails the test."""
        async with asyncio.timeout(within_seconds):
            while not condition():  # noqa: ASYNC110 - time is virtual, and doubles do not notify
                await asyncio.sleep(0.01)

    def committed_all(self) -> bool:
        """Whether everything in the topic is done."""
        ends = {partition: len(values) for partition, values in self.world.events.items() if values}
        return {one: at for one, at in self.world.committed.items() if at} == ends


@asynccontextmanager
async def selecting(stage: Stage) -> AsyncIterator[asyncio.Task[None]]:
    """Runs the stage's selector; stops it at the end."""
    running = asyncio.create_task(stage.selector.run())
    try:
        yield running
    finally:
        stage.selector.stop()
        await running


def decided(world: World, partition: int = 0) -> list[Decision]:
    """The decisions topic, read."""
    return [decode_decision(line) for line in world.lines(partition)]


def asked(world: World) -> list[str]:
    """The query ids in the decisions topic, in order; repetitions included."""
    partitions = sorted(world.decisions)
    return [one.query.query_id for partition in partitions for one in decided(world, partition) if one.query]
