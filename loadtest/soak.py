"""Millions of events through one selector: whether it grows, and whether it slows down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psutil

from loadtest.bench import Bench, bench, cpu_seconds
from loadtest.machine import machine
from loadtest.outside.service_process import ServiceProcess, metric
from loadtest.progress import progress_bar
from streamsel.adapters.kafka import LARGEST_BATCH

LEAD = 500_000
"""Events that wait in the topic at most: what was read may be deleted."""
KEPT = {"retention.bytes": str(2**30), "segment.bytes": str(2**27), "max.message.bytes": str(LARGEST_BATCH)}
DELETED_SOON = {"log.retention.check.interval.ms": "5000", "log.segment.delete.delay.ms": "1000"}
LOOK_SECONDS = 0.25
SETTLED = 1_000_000
"""After so many events, or a tenth of all if that is less, memory should grow no more."""


@dataclass(frozen=True, slots=True)
class Options:
    """How many events."""

    events: int = 20_000_000
    broker: str | None = None


@dataclass(frozen=True, slots=True)
class _Sample:
    seconds: float
    events: int
    cpu_seconds: float
    mib: float


@dataclass
class _Watch:
    """One process while it decides."""

    process: ServiceProcess
    samples: list[_Sample] = field(default_factory=list)
    events: int = 0

    async def until(self, events: int, advance: Callable[[float], None]) -> None:
        """Looks again and again until so many are decided."""
        while self.events < events:
            await asyncio.sleep(LOOK_SECONDS)
            before = self.events
            await self.look()
            advance(self.events - before)

    async def look(self) -> None:
        """One more sample."""
        pid = self.process.process.pid
        self.events = int(await metric(await self.process.listening(), "streamsel_events_total"))
        mib = psutil.Process(pid).memory_info().rss / 2**20
        self.samples.append(_Sample(time.monotonic(), self.events, cpu_seconds(pid), mib))

    def first(self, events: float) -> _Sample:
        """The first sample with so many decided."""
        return next(one for one in self.samples if one.events >= events)

    def last(self, events: float) -> _Sample:
        """The last sample with no more than so many decided."""
        return next(one for one in reversed(self.samples) if one.events <= events)

    def wait(self, sent: int) -> None:
        """Returns once not too many wait; called in the filling thread."""
        while sent > self.events + LEAD:
            time.sleep(LOOK_SECONDS / 5)


def soak(options: Options) -> dict[str, Any]:
    """The figures; rates and CPU of the first tenth of the events beside those of the last."""
    return asyncio.run(_soak(options))


async def _soak(options: Options) -> dict[str, Any]:
    async with bench(options.broker, DELETED_SOON) as stand:
        watch, decisions = await _run(stand, options.events)
    tenth = options.events / 10
    begun, early = watch.last(0), watch.first(tenth)
    late, end = watch.last(options.events - tenth), watch.samples[-1]
    settled = watch.first(min(SETTLED, tenth))
    first, last = _rate(begun, early), _rate(late, end)
    return {
        "scenario": "soak",
        "events": options.events,
        "lost": options.events - decisions,
        "mib_settled": round(settled.mib, 1),
        "mib_end": round(end.mib, 1),
        "memory_growth": round(end.mib / settled.mib - 1.0, 4),
        "events_per_second": round(_rate(begun, end)),
        "events_per_second_first_tenth": round(first),
        "events_per_second_last_tenth": round(last),
        "slowdown": round(1.0 - last / first, 4),
        "cpu_us_per_event_first_tenth": round(_cpu_us(begun, early), 2),
        "cpu_us_per_event_last_tenth": round(_cpu_us(late, end), 2),
        "series": {"memory": [(one.events, round(one.mib, 1)) for one in watch.samples]},
        "machine": machine(),
    }


async def _run(stand: Bench, events: int) -> tuple[_Watch, int]:
    """The selector watched to the end, and how many decisions there are."""
    sections = stand.sections()
    for topic in (stand.events_topic(), stand.decisions_topic()):
        stand.make_topic(topic, settings=KEPT)
    await stand.train(sections)
    watch = _Watch(stand.serve("selector", sections))
    await watch.process.ready()
    await watch.look()
    with progress_bar("soak", events) as advance:
        async with asyncio.TaskGroup() as group:
            group.create_task(
                asyncio.to_thread(partial(stand.fill, stand.events_topic(), events, wait=watch.wait))
            )
            group.create_task(watch.until(events, advance))
    await stand.decided(stand.decisions_topic(), events)
    return watch, stand.records(stand.decisions_topic())


def _rate(before: _Sample, after: _Sample) -> float:
    return (after.events - before.events) / (after.seconds - before.seconds)


def _cpu_us(before: _Sample, after: _Sample) -> float:
    return (after.cpu_seconds - before.cpu_seconds) / (after.events - before.events) * 1e6
