"""From producing an event to its decision: the selector beside a bare echo, on one broker, in turn."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from loadtest.bench import Bench, Flow, bench
from loadtest.children import child
from loadtest.latencies import Latencies
from loadtest.machine import machine
from loadtest.open_loop import Phase, Schedule
from loadtest.progress import progress_bar

OURS, ECHO = "streamsel", "echo"
WARM_UP_EVENTS = 2_000


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of ``seconds`` at every rate, for each of the two in turn."""

    rates: Sequence[float] = (200.0, 5_000.0, 15_000.0)
    rounds: int = 3
    seconds: float = 10.0
    share: float = 0.7
    """Of the most the selector decides: the last rate, without the echo, which does not get so far."""
    maximum_events: int = 600_000
    """Sent all at once, to find that most."""
    broker: str | None = None


@dataclass
class _Rounds:
    """All rounds of one program at one rate."""

    together: Latencies = field(default_factory=Latencies)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    late_p99_ms: float = 0.0
    lost: int = 0
    doubled: int = 0
    why_invalid: str = ""

    def add(self, flow: Flow) -> None:
        alone = Latencies()
        for latencies in (alone, self.together):
            latencies.record(flow.latencies)
        self.p50_ms.append(alone.ms(50.0))
        self.p99_ms.append(alone.ms(99.0))
        self.late_p99_ms = max(self.late_p99_ms, flow.sent.late_p99_ms)
        self.why_invalid = self.why_invalid or flow.sent.fell_behind
        self.lost += flow.lost
        self.doubled += flow.doubled

    def figures(self) -> dict[str, Any]:
        """Medians over the rounds."""
        return {
            "p50_ms": round(statistics.median(self.p50_ms), 2),
            "p99_ms": round(statistics.median(self.p99_ms), 2),
            "p99_ms_rounds": self.p99_ms,
            "events": self.together.count,
            "lost": self.lost,
            "doubled": self.doubled,
            "generator_late_p99_ms": self.late_p99_ms,
        }


def latency(options: Options) -> dict[str, Any]:
    """The figures. ``p50_ms`` and ``p99_ms`` are those at ``share`` of the maximum."""
    return asyncio.run(_latency(options))


async def _latency(options: Options) -> dict[str, Any]:
    steps = 1 + (2 * len(options.rates) + 1) * options.rounds
    with progress_bar("latency", steps) as advance:
        async with AsyncExitStack() as stack:
            stand = await stack.enter_async_context(bench(options.broker))
            ways = await _programs(stand, stack)
            found = await _measured(options, stand, ways, advance)
    return {"scenario": "latency", **found, "machine": machine()}


async def _programs(stand: Bench, stack: AsyncExitStack) -> dict[str, tuple[str, str]]:
    """Both ready and warm; the topics in and out of each."""
    sections = stand.sections()
    ways = {
        OURS: (stand.events_topic(), stand.decisions_topic()),
        ECHO: (f"{stand.prefix}echo-events", f"{stand.prefix}echo-back"),
    }
    await stand.train(sections)
    for topic in ways[ECHO]:
        stand.make_topic(topic)
    selector = stand.serve("selector", sections)
    echo = await stack.enter_async_context(
        child(
            stand.folder / "echo.log",
            "loadtest.latency.echo",
            stand.servers,
            f"{stand.prefix}echo",
            *ways[ECHO],
        )
    )
    await echo.says("ready")
    await selector.ready()
    for into, out in ways.values():
        await stand.flow(Schedule([Phase(1.0, WARM_UP_EVENTS)]), into, out)
    return ways


async def _measured(
    options: Options, stand: Bench, ways: dict[str, tuple[str, str]], advance: Callable[[float], None]
) -> dict[str, Any]:
    at_once = Schedule([Phase(1e-3, options.maximum_events * 1e3)], "constant")
    most = (await stand.flow(at_once, *ways[OURS])).per_second
    advance(1)
    rounds = {(rate, name): _Rounds() for rate in options.rates for name in (OURS, ECHO)}
    highest = round(options.share * most)
    rounds[highest, OURS] = _Rounds()
    for turn in range(options.rounds):
        # The order alternates, so that a drift of the machine favours neither.
        for rate, name in sorted(rounds, reverse=turn % 2 == 1):
            schedule = Schedule([Phase(options.seconds, rate)], seed=turn)
            rounds[rate, name].add(await stand.flow(schedule, *ways[name]))
            advance(1)
    by_rate = {
        f"{rate:.0f}": {name: rounds[rate, name].figures() for name in (OURS, ECHO)} for rate in options.rates
    }
    ours = rounds[highest, OURS].figures()
    why = {
        f"{name} at {rate:.0f}/s": one.why_invalid for (rate, name), one in rounds.items() if one.why_invalid
    }
    return {
        "p50_ms": ours["p50_ms"],
        "p99_ms": ours["p99_ms"],
        "vs_echo_p99": {
            rate: round(both[OURS]["p99_ms"] / both[ECHO]["p99_ms"], 3) for rate, both in by_rate.items()
        },
        "maximum_events_per_second": round(most),
        "share_of_maximum": options.share,
        "rates": by_rate | {f"{highest}": {OURS: ours}},
        "lost": sum(one.lost for one in rounds.values()),
        "doubled": sum(one.doubled for one in rounds.values()),
        "valid": not why,
        "why": why,
        "series": {
            "percentiles": {
                f"{rate:.0f}": one.together.plotted() for (rate, name), one in rounds.items() if name == OURS
            },
            "echo_percentiles": {
                f"{rate:.0f}": one.together.plotted() for (rate, name), one in rounds.items() if name == ECHO
            },
        },
    }
