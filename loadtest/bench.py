"""What a load test stands on: a real broker, a store, a folder, and programs that end with it."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from numpy.typing import NDArray

from loadtest.children import child
from loadtest.events import labelled, payloads
from loadtest.open_loop import Schedule, Sent
from loadtest.outside.service_process import Role, Sections, ServiceProcess, Services
from streamsel import wiring
from streamsel.adapters.clock import SystemClock
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.config import Config
from streamsel.services.seeding import append_labels, seed_labels

LABELS = ("legit", "fraud")
SEED_LABELS = 1_000
PATIENCE_SECONDS = 20.0
"""Without any decision, after which those that are missing count as lost."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Events sent, and when what became of each arrived."""

    sent: Sent
    times: NDArray[np.float64]
    """Intended, in seconds from the schedule's beginning. Shape (events,)."""
    arrived: NDArray[np.float64]
    """By the same clock; NaN for what did not arrive. Shape (events,)."""
    doubled: int

    @property
    def lost(self) -> int:
        return int(np.isnan(self.arrived).sum())

    @property
    def latencies(self) -> NDArray[np.float64]:
        """Seconds from the intended time; of what arrived."""
        waited = self.arrived - self.times
        return waited[~np.isnan(waited)]

    @property
    def per_second(self) -> float:
        """The rate of arrivals between the first tenth and the last."""
        early, late = np.nanpercentile(self.arrived, [10.0, 90.0])
        return float(0.8 * (len(self.arrived) - self.lost) / (late - early))


class Bench:
    """A broker, a store and a folder for one scenario.

    ``prefix`` is of all its topics and keys, so that a broker may be shared.
    """

    def __init__(self, servers: str, store: str, folder: Path) -> None:
        self.servers = servers
        self.store = store
        self.folder = folder
        self.prefix = f"loadtest-{secrets.token_hex(4)}."
        self._served: list[ServiceProcess] = []
        self._admin = AdminClient(
            {"bootstrap.servers": servers, "log_level": 0}
        )  # quiet when the broker ends
        self._next = 0

    def sections(self, name: str = "", **more: Mapping[str, object]) -> Sections:
        """A configuration as it comes, on this bench's servers. ``name`` keeps topics and keys apart from
        those of other names; 1 % of the events are asked about, and the desk has room for all of them."""
        prefix = f"{self.prefix}{name}"
        return {
            "labels": {"names": list(LABELS)},
            "redis": {"url": self.store, "prefix": prefix},
            **more,
            "kafka": {
                "bootstrap_servers": self.servers,
                "prefix": prefix,
                "group": prefix,
                **more.get("kafka", {}),
            },
            "select": {"budget": 0.01, **more.get("select", {})},
            "capacity": {"target_backlog": 10_000_000, **more.get("capacity", {})},
        }

    def serve(self, name: str, sections: Sections, role: Role = "selector", *options: str) -> ServiceProcess:
        """``streamsel serve`` in a folder called ``name``; started, not waited for."""
        folder = self.folder / name
        folder.mkdir()
        services = Services(folder)
        process = services.start(services.configured(sections), role, *options)
        self._served.append(process)
        return process

    def end(self) -> None:
        """Kills whatever still serves."""
        for process in self._served:
            process.kill()

    def events_topic(self, name: str = "") -> str:
        return f"{self.prefix}{name}events"

    def decisions_topic(self, name: str = "") -> str:
        return f"{self.prefix}{name}decisions"

    def make_topic(self, topic: str, partitions: int = 1, settings: Mapping[str, str] | None = None) -> None:
        """Returns once every client may use it."""
        made = self._admin.create_topics([NewTopic(topic, partitions, config=dict(settings or {}))])
        made[topic].result(30.0)

    async def train(self, sections: Sections, labels: int = SEED_LABELS) -> None:
        """Puts so many labels into the label log, and makes what topics are missing."""
        config = Config.model_validate(sections)
        rows = ({**event, "label": label} for event, label in labelled(labels))
        found = seed_labels(
            enumerate(rows, start=1),
            layout=wiring.layout(config),
            column="label",
            names=config.labels.names,
            renamed={},
            seeded_by="loadtest",
            clock=SystemClock(),
        )
        async with wiring.opened_label_log(config) as log:
            await append_labels(log, found, lambda _: None)

    def numbered(self, events: int) -> int:
        """The first of so many event numbers that nobody has used on this bench."""
        first, self._next = self._next, self._next + events
        return first

    def fill(
        self, topic: str, events: int, partitions: int = 1, wait: Callable[[int], None] = lambda _: None
    ) -> None:
        """Sends transactions as fast as the broker takes them, over the partitions in turn; calls ``wait``
        now and then with how many were sent."""
        producer = Producer(
            {
                "bootstrap.servers": self.servers,
                "linger.ms": 20,
                "batch.num.messages": 10_000,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        for number, value in enumerate(payloads(events, first=self.numbered(events))):
            while True:
                try:
                    producer.produce(topic, value, partition=number % partitions)
                    break
                except BufferError:
                    producer.poll(0.1)
            if number % 10_000 == 0:
                producer.poll(0)
                wait(number)
        if left := producer.flush(60.0):
            raise RuntimeError(f"{left} events were not delivered to {topic}")

    def records(self, topic: str, partitions: int = 1) -> int:
        """How many a topic holds, over its partitions."""
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": "loadtest-count"})
        try:
            ends = [
                consumer.get_watermark_offsets(TopicPartition(topic, one), timeout=30.0)
                for one in range(partitions)
            ]
            return sum(high for _, high in ends)
        finally:
            consumer.close()

    async def decided(self, topic: str, events: int, partitions: int = 1, seconds: float = 600.0) -> None:
        """Returns once so many decisions are there. Raises ``TimeoutError``."""
        async with asyncio.timeout(seconds):
            while await asyncio.to_thread(self.records, topic, partitions) < events:  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.05)

    async def flow(self, schedule: Schedule, into: str, out: str, partitions: int = 1) -> Flow:
        """Sends by the schedule into one topic, and notes what arrives in the other."""
        times = schedule.times()
        first, file = self.numbered(len(times)), self.folder / f"arrived-{secrets.token_hex(4)}.npy"
        log = self.folder / "generator.log"
        places: tuple[Any, ...] = (partitions, first)
        async with child(
            log, "loadtest.arrivals", self.servers, out, *places, len(times), PATIENCE_SECONDS, file
        ) as reader:
            await reader.says("ready")
            longest = float(times[-1]) + 120.0
            async with child(
                log, "loadtest.open_loop", self.servers, into, *places, schedule.encoded()
            ) as generator:
                said = await generator.figures(longest, statuses=(0, 1))
            seen = await reader.figures(longest)
        del said["valid"], said["why"]
        sent = Sent(**said)
        arrived = np.load(file) - sent.began
        file.unlink()
        return Flow(sent, times, arrived, seen["doubled"])


@asynccontextmanager
async def bench(broker: str | None, settings: Mapping[str, str] | None = None) -> AsyncIterator[Bench]:
    """A bench on a broker that is there, or on one of its own with ``settings``; the store is its own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loadtest-")))
        stack.enter_context(bytecode_kept(folder / "bytecode"))
        if broker is None:
            own = LocalKafka(folder / "kafka", settings)
            await asyncio.to_thread(own.start)
            stack.callback(own.stop)
            broker = own.bootstrap_servers
        store = EmbeddedValkey(folder / "valkey")
        await asyncio.to_thread(store.start)
        stack.callback(store.stop)
        found = Bench(broker, store.url, folder)
        stack.callback(found.end)
        yield found


@contextmanager
def bytecode_kept(folder: Path) -> Iterator[None]:
    """Programs started meanwhile find the bytecode of those before, as an installed program does, whatever
    this environment says."""
    before = dict(os.environ)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def cpu_seconds(*pids: int) -> float:
    """CPU time that these processes have used so far, with their threads."""
    used = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(float(one.user + one.system) for one in used)
