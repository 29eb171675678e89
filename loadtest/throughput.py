"""Events a second through one selector on one partition of a real broker, beside a bare loop."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from rich.console import Console
from rich.progress import Progress

from loadtest.contestant_bare import BARE_DECISIONS
from loadtest.contestant_streamsel import configuration
from loadtest.events import labelled, payloads
from loadtest.measure import Run, run_contestant
from streamsel import wiring
from streamsel.adapters.clock import SystemClock
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.services.seeding import append_labels, seed_labels

SEED_LABELS = 1_000
PREFIX = "loadtest."


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds``: how often each contestant runs, in turn; the medians count."""

    events: int = 400_000
    rounds: int = 3


def throughput(options: Options) -> dict[str, Any]:
    """Starts its own broker, fills it, and lets the contestants run in turn."""
    console = Console(file=sys.stderr)
    with (
        tempfile.TemporaryDirectory(prefix="loadtest-") as directory,
        LocalKafka(Path(directory) / "kafka") as broker,
        Progress(console=console, disable=not console.is_terminal) as progress,
    ):
        root, servers = Path(directory), broker.bootstrap_servers
        asyncio.run(_prepare(servers, root / "valkey"))
        _create_topic(servers, f"{PREFIX}{BARE_DECISIONS}")
        _fill(servers, options.events, progress)
        ours: list[Run] = []
        bare: list[Run] = []
        turns = progress.add_task("runs", total=2 * options.rounds)
        for turn in range(options.rounds):
            # The order alternates, so that a drift of the machine favours neither.
            for name in ("ours", "bare") if turn % 2 == 0 else ("bare", "ours"):
                common = [servers, PREFIX, f"{name}-{turn}", str(options.events)]
                if name == "ours":
                    # Events decided before are not decided again: each run starts with no decisions.
                    _delete_topic(servers, f"{PREFIX}decisions")
                    last, module, runs = str(root / "valkey"), "loadtest.contestant_streamsel", ours
                else:
                    last, module, runs = str(SEED_LABELS), "loadtest.contestant_bare", bare
                runs.append(run_contestant(module, [*common, last], root / f"{name}.log", 120.0))
                progress.advance(turns)
    ours_rate, bare_rate = _median_rate(ours), _median_rate(bare)
    return {
        "scenario": "throughput",
        "events": options.events,
        "rounds": options.rounds,
        "events_per_second": round(ours_rate),
        "cpu_us_per_event": round(_median([run.cpu_us_per_event for run in ours]), 2),
        "peak_mib": round(max(run.peak_mib for run in ours), 1),
        "memory_growth": round(max(run.memory_growth for run in ours), 4),
        "bare": {
            "events_per_second": round(bare_rate),
            "cpu_us_per_event": round(_median([run.cpu_us_per_event for run in bare]), 2),
            "peak_mib": round(max(run.peak_mib for run in bare), 1),
        },
        "vs": {"bare": round(ours_rate / bare_rate, 3)},
        "cpu_vs": {
            "bare": round(
                _median([run.cpu_us_per_event for run in ours])
                / _median([run.cpu_us_per_event for run in bare]),
                3,
            )
        },
    }


async def _prepare(bootstrap_servers: str, data_dir: Path) -> None:
    """Makes the topics and trains the model on a few labels."""
    config = configuration(bootstrap_servers, PREFIX, "prepare", data_dir)
    labels = seed_labels(
        enumerate([{**event, "label": label} for event, label in labelled(SEED_LABELS)], start=1),
        layout=wiring.layout(config),
        column="label",
        names=config.labels.names,
        renamed={},
        seeded_by="loadtest",
        clock=SystemClock(),
    )
    async with wiring.opened_label_log(config) as log:
        await append_labels(log, labels, lambda _: None)


def _create_topic(bootstrap_servers: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.create_topics([NewTopic(name, 1)])[name].result(30.0)


def _delete_topic(bootstrap_servers: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.delete_topics([name])[name].result(30.0)
    while name in admin.list_topics(timeout=30.0).topics:
        time.sleep(0.1)


def _fill(bootstrap_servers: str, events: int, progress: Progress) -> None:
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "linger.ms": 20,
            "batch.num.messages": 10_000,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    bar = progress.add_task("filling the topic", total=events)
    for number, payload in enumerate(payloads(events)):
        while True:
            try:
                producer.produce(f"{PREFIX}events", payload, partition=0)
                break
            except BufferError:
                producer.poll(0.1)
        if number % 10_000 == 0:
            producer.poll(0)
            progress.update(bar, completed=number)
    producer.flush()
    progress.update(bar, completed=events)


def _median_rate(runs: Sequence[Run]) -> float:
    return _median([run.events_per_second for run in runs])


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)
