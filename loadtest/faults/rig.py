"""What faults are done to: a broker, a store, two selectors and a desk, each a process of its own.

Events come in and reviewers answer all the time."""

from __future__ import annotations

import asyncio
import secrets as random_secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx
from confluent_kafka import KafkaException

from loadtest.outside.desk_store import DeskStore
from loadtest.outside.link import Link, link
from loadtest.outside.producing import Producer
from loadtest.outside.reviewing import Acknowledged, Reviewer
from loadtest.outside.service_process import Launch, Role, ServiceProcess, Services, auth, bearer
from loadtest.outside.streams import KafkaStreams
from loadtest.outside.transactions import LABELS, truth
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.adapters.local_process import start_child
from streamsel.services.ending import end

REVIEWERS = ("ann", "ben", "cat", "dan")
SELECTORS = 2
SESSION_SECONDS = 3.0
"""After which the group misses a selector that was killed."""
REVIEW_SECONDS = 0.05
SNAPSHOT_LABELS = 50
"""From one snapshot to the next: few, so that some are interrupted and many read."""
PREFIX = "faults"
RECOVERY_SECONDS = 300.0
"""What has not recovered by then never will."""
_LOOK_SECONDS = 0.05


@dataclass
class Rig:
    """All that runs. The processes reach their servers over links that can fail; outsiders do likewise."""

    broker: LocalKafka
    broker_link: Link
    store: EmbeddedValkey
    store_link: Link
    services: Services
    sections: Mapping[str, Mapping[str, object]]
    configuration: Path
    """The file that ``sections`` are written to."""
    streams: KafkaStreams
    desk_store: DeskStore
    secrets: dict[str, str]
    draw: Random
    at_end: AsyncExitStack
    """Before the servers end."""
    selectors: list[ServiceProcess] = field(default_factory=list)
    desks: list[ServiceProcess] = field(default_factory=list)
    producer: Producer = field(init=False)
    reviewers: list[Reviewer] = field(default_factory=list)
    producing: asyncio.Task[None] = field(init=False)
    reviewing: list[asyncio.Task[None]] = field(init=False)

    @property
    def desk(self) -> ServiceProcess:
        """The first of them."""
        return self.desks[0]

    @property
    def processes(self) -> list[ServiceProcess]:
        """All of the service."""
        return [*self.selectors, *self.desks]

    @property
    def acknowledged(self) -> list[Acknowledged]:
        """The answers that the desk has confirmed."""
        return [answer for reviewer in self.reviewers for answer in reviewer.acknowledged]

    @property
    def refused(self) -> int:
        """The answers that came too late to count."""
        return sum(reviewer.refused for reviewer in self.reviewers)

    def work(self) -> None:
        """Events come and reviewers answer, from now on or once more."""
        self.producer.stopping = False
        for reviewer in self.reviewers:
            reviewer.stopping = False
        self.producing = asyncio.create_task(self.producer.produce())
        self.reviewing = [asyncio.create_task(one.work()) for one in self.reviewers]

    async def again(self, process: ServiceProcess) -> None:
        """Ends it in order, and returns when its next life is ready."""
        await process.end()
        process.start()
        await process.ready()

    def begin(self, role: Role) -> ServiceProcess:
        """One more process."""
        return self.services.start(self.configuration, role)

    def a_desk(self) -> str | None:
        """The address of any of them, as a load balancer finds it; ``None`` while that one is starting."""
        return self.draw.choice(self.desks).url

    async def send(self, events: Sequence[bytes]) -> None:
        """Into the stream, however long the broker is away."""
        while True:
            try:
                await self.streams.produce(events)
            except (AssertionError, KafkaException):
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                return

    async def ends(self) -> dict[int, int]:
        """Where each partition of the decisions ends; nothing while the broker is away."""
        try:
            return await asyncio.to_thread(self.streams.ends, "decisions")
        except KafkaException:
            return {}

    async def scoring(self) -> None:
        """Returns once there are new decisions in every partition."""
        before: dict[int, int] = {}
        while not before:
            before = await self.ends()
        await self.until(lambda: self._further(before), "decisions in every partition")

    async def answering(self) -> None:
        """Returns once the desk answers a reviewer."""
        async with httpx.AsyncClient(headers=bearer(self.secrets["ann"]), timeout=2.0) as client:
            await self.until(lambda: self._answers(client), "the desk answers")

    async def labelling(self) -> None:
        """Returns once another answer is confirmed."""
        before = len(self.acknowledged)

        async def more() -> bool:
            return len(self.acknowledged) > before

        await self.until(more, "another answer")

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        """Returns once it holds; raises ``TimeoutError`` when it never will. Processes that ended by
        themselves are begun anew meanwhile, as their supervisor would."""
        async with asyncio.timeout(RECOVERY_SECONDS) as limit:
            try:
                while not await holds():
                    self.supervise()
                    await asyncio.sleep(_LOOK_SECONDS)
            except TimeoutError as error:
                if limit.expired():
                    raise TimeoutError(f"{what}: not within {RECOVERY_SECONDS} seconds") from error
                raise

    def supervise(self) -> int:
        """Begins what has ended anew; returns how many that were."""
        ended = [one for one in self.processes if one.process.poll() is not None]
        for process in ended:
            process.start()
        return len(ended)

    async def _further(self, before: dict[int, int]) -> bool:
        ends = await self.ends()
        return all(ends.get(part, 0) > end for part, end in before.items())

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        url = self.desk.url
        if url is None:
            return False
        try:
            return (await client.get(f"{url}/v1/queue")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


@asynccontextmanager
async def rig(
    seed: int, *, events_per_second: float = 200.0, preset: str = "portfolio", launch: Launch = start_child
) -> AsyncIterator[Rig]:
    """Everything at work; all of it ends with the context."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        broker, store = None, EmbeddedValkey(folder / "valkey")
        broker_link = await stack.enter_async_context(link(lambda: _connect_to(broker)))
        store_link = await stack.enter_async_context(
            link(lambda: asyncio.open_unix_connection(store.url.removeprefix("unix://")))
        )
        advertised = {"advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker_link.port}"}
        broker = LocalKafka(folder / "kafka", advertised)
        for server in (broker, store):
            await asyncio.to_thread(server.start)
            stack.callback(server.kill)
        services = Services(folder, launch)
        stack.callback(services.kill_all)
        streams = KafkaStreams(f"127.0.0.1:{broker_link.port}", PREFIX, SESSION_SECONDS)
        secrets: dict[str, str] = {}
        sections = {
            **streams.sections,
            "redis": {"url": f"redis://127.0.0.1:{store_link.port}", "prefix": PREFIX},
            "labels": LABELS,
            "model": {"preset": preset},
            "select": {"budget": 0.5},
            "capacity": {
                "target_backlog": 60,
                "fill_seconds": 1.0,
                "lease_seconds": 5.0,
                "attempts": 1_000_000,
            },
            "snapshots": {
                "url": str(folder / "snapshots"),
                "key": random_secrets.token_hex(32),
                "every_labels": SNAPSHOT_LABELS,
            },
            "auth": auth(secrets, **dict.fromkeys(REVIEWERS, "reviewer")),
        }
        found = Rig(
            broker, broker_link, store, store_link, services, sections, services.configured(sections),
            streams, DeskStore(store.url, PREFIX), secrets, Random(seed), stack,
        )  # fmt: skip
        found.desks = [found.begin("desk")]
        await found.desk.ready()
        found.selectors = [found.begin("selector") for _ in range(SELECTORS)]
        found.producer = Producer(found.send, Random(seed + 1), events_per_second)
        found.reviewers = [
            Reviewer(name, secrets[name], found.a_desk, truth, Random(f"{name}-{seed}"), REVIEW_SECONDS)
            for name in REVIEWERS
        ]
        found.work()
        try:
            for selector in found.selectors:
                await selector.ready()
            await found.scoring()
            yield found
        finally:
            await end(found.producing, *found.reviewing)


async def _connect_to(broker: LocalKafka | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if broker is None:
        raise ConnectionRefusedError
    host, port = broker.bootstrap_servers.split(":")
    return await asyncio.open_connection(host, int(port))
