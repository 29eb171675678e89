"""Ten times the events for a while, with reviewers at work: what is lost, what waits, and for how long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from loadtest.bench import LABELS, Flow, bench
from loadtest.latencies import percentile_ms
from loadtest.machine import machine
from loadtest.open_loop import Phase, Schedule
from loadtest.outside.calling import Caller
from loadtest.outside.service_process import auth, bearer
from loadtest.progress import progress_bar
from streamsel.demo.reviewers import Habits, SimulatedReviewer

EXPLORE = 0.2
HABITS = Habits(mean_seconds=0.2)
"""Half a minute's review in a fifth of a second."""
BIN_SECONDS = 0.5
CALM_BINS = 4
"""Latency is back when it is so for two seconds."""
WATCH_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Options:
    """``per_second`` events when quiet, for ``quiet_seconds`` before the burst and as long after it."""

    per_second: float = 1_000.0
    times: float = 10.0
    quiet_seconds: float = 20.0
    burst_seconds: float = 60.0
    reviewers: int = 5
    broker: str | None = None

    @property
    def target_backlog(self) -> int:
        """One query in hand and one waiting for each reviewer."""
        return 2 * self.reviewers

    @property
    def cap(self) -> float:
        """The most that may ever wait: twice the target, and of that and a second's answers the exploration
        share, which is drawn event by event."""
        answers = self.reviewers / HABITS.mean_seconds
        return 2 * self.target_backlog + EXPLORE * (2 * self.target_backlog + answers)

    @property
    def phases(self) -> list[Phase]:
        quiet = Phase(self.quiet_seconds, self.per_second)
        return [quiet, Phase(self.burst_seconds, self.times * self.per_second), quiet]


def burst(options: Options) -> dict[str, Any]:
    """The figures; latency is back when its p99 is within twice that of the quiet time before the burst."""
    return asyncio.run(_burst(options))


async def _burst(options: Options) -> dict[str, Any]:
    with progress_bar("burst", 3) as advance:
        async with bench(options.broker) as stand:
            secrets: dict[str, str] = {}
            names = [f"reviewer-{number}" for number in range(options.reviewers)]
            sections = stand.sections(
                select={"budget": 0.05, "explore": EXPLORE},
                capacity={"target_backlog": options.target_backlog},
                auth=auth(secrets, root="admin", **dict.fromkeys(names, "reviewer")),
            )
            await stand.train(sections)
            url = await stand.serve("service", sections, "both").ready()
            advance(1)
            ways = stand.events_topic(), stand.decisions_topic()
            await stand.flow(Schedule([Phase(1.0, options.per_second)]), *ways)
            flow, backlog, answered = await _with_reviewers(
                url, secrets, names, lambda: stand.flow(Schedule(options.phases), *ways)
            )
            advance(1)
    return {"scenario": "burst", **_figures(options, flow, backlog, answered), "machine": machine()}


async def _with_reviewers(
    url: str, secrets: dict[str, str], names: list[str], flowing: Callable[[], Any]
) -> tuple[Flow, list[tuple[float, int]], int]:
    """What came of the flow; the backlog from moment to moment, by ``time.monotonic``; labels given."""
    backlog: list[tuple[float, int]] = []
    async with (
        httpx.AsyncClient(base_url=url, headers=bearer(secrets["root"]), timeout=30.0) as watching,
        httpx.AsyncClient(base_url=url, timeout=30.0) as working,
    ):

        async def watch() -> None:
            while True:
                queue = await Caller(watching).queue()
                backlog.append((time.monotonic(), queue["backlog"]))
                await asyncio.sleep(WATCH_SECONDS)

        reviewers = [
            SimulatedReviewer(working, secrets[name], lambda _: LABELS[0], LABELS, HABITS, seed)
            for seed, name in enumerate(names)
        ]
        around = [asyncio.create_task(watch()), *(asyncio.create_task(one.work()) for one in reviewers)]
        flow = await flowing()
        failed = [task for task in around if task.done()]
        for task in around:
            task.cancel()
        await asyncio.gather(*around, return_exceptions=True)
        for task in failed:
            task.result()
    return flow, backlog, sum(one.answered for one in reviewers)


def _figures(options: Options, flow: Flow, backlog: list[tuple[float, int]], answered: int) -> dict[str, Any]:
    bins = p99_by_time(flow)
    began, ended = options.quiet_seconds, options.quiet_seconds + options.burst_seconds
    quiet, burst = (flow.times < began), (flow.times >= began) & (flow.times < ended)
    waited = flow.arrived - flow.times
    quiet_ms = percentile_ms(waited[quiet & ~np.isnan(waited)], 99.0)
    since = [(at - flow.sent.began, count) for at, count in backlog]
    return {
        "events": len(flow.times),
        "lost": flow.lost,
        "doubled": flow.doubled,
        "labels": answered,
        "backlog_max": max(count for _, count in backlog),
        "backlog_cap": options.cap,
        "backlog_within_cap": max(count for _, count in backlog) <= options.cap,
        "quiet_p99_ms": quiet_ms,
        "burst_p99_ms": percentile_ms(waited[burst & ~np.isnan(waited)], 99.0),
        "seconds_until_latency_is_back": seconds_until_back(bins, ended, 2.0 * quiet_ms),
        "generator_late_p99_ms": flow.sent.late_p99_ms,
        "valid": not flow.sent.fell_behind,
        "why": flow.sent.fell_behind,
        "series": {
            "backlog": [(round(at, 2), count) for at, count in since],
            "latency": bins,
        },
    }


def p99_by_time(flow: Flow) -> list[tuple[float, float]]:
    """(second, p99 in ms) of the events meant for each stretch of ``BIN_SECONDS``; those lost count for a
    minute."""
    places: NDArray[np.int64] = (flow.times / BIN_SECONDS).astype(np.int64)
    waited = np.where(np.isnan(flow.arrived), 60.0, flow.arrived - flow.times)
    return [
        (float(place * BIN_SECONDS), percentile_ms(waited[places == place], 99.0))
        for place in np.unique(places)
    ]


def seconds_until_back(bins: list[tuple[float, float]], ended: float, bound_ms: float) -> float | None:
    """From ``ended`` to the first of ``CALM_BINS`` stretches within the bound; ``None`` if there are none."""
    after = [(at, ms) for at, ms in bins if at >= ended]
    for start in range(len(after) - CALM_BINS + 1):
        if all(ms <= bound_ms for _, ms in after[start : start + CALM_BINS]):
            return after[start][0] - ended
    return None
