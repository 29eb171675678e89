"""Store and broker away and back: nothing is lost, everything resumes by itself, and it ends when told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

import pytest

from loadtest.outside import counting
from loadtest.outside.calling import Caller, calling
from loadtest.outside.desk_store import DeskStore
from loadtest.outside.halting import halted
from loadtest.outside.producing import Producer
from loadtest.outside.reviewing import Reviewer
from loadtest.outside.service_process import ServiceProcess, Services, auth
from loadtest.outside.streams import KafkaStreams
from loadtest.outside.transactions import LABELS, transaction, truth
from loadtest.outside.waiting import until
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka

pytestmark = pytest.mark.kafka

DRAIN_SECONDS = 5.0
RECOVERY_SECONDS = 60.0
BROKER_AWAY_SECONDS = 12.0
"""Longer than any call waits for the broker."""


@dataclass
class Run:
    """A service on Kafka with a store of its own, which may go away."""

    service: ServiceProcess
    streams: KafkaStreams
    store: DeskStore
    secrets: dict[str, str]

    @asynccontextmanager
    async def root(self) -> AsyncIterator[Caller]:
        """An admin."""
        async with calling(await self.service.listening(), self.secrets["root"]) as caller:
            yield caller

    async def produce(self, first: int, events: int) -> None:
        """Puts so many transactions into the stream."""
        await self.streams.produce([transaction(first + number) for number in range(events)])

    async def decided(self, events: int) -> None:
        """Returns once so many events are decided."""

        async def enough() -> bool:
            return await self.streams.count("decisions") >= events

        await until(enough, what=f"{events} events decided", seconds=RECOVERY_SECONDS)

    async def nothing_lost(self) -> None:
        """Everything is decided once, committed, and its queries are at the desk."""
        await until(self.streams.fully_committed, what="all committed", seconds=RECOVERY_SECONDS)
        asked = await counting.decided_once(self.streams)
        await counting.at_the_desk(self.store, asked)


async def started(
    services: Services, broker: str, store: EmbeddedValkey, prefix: str, on_desk_outage: str
) -> Run:
    """A ready service that asks about half of the events."""
    streams = KafkaStreams(broker, prefix, session_seconds=6.0)
    secrets: dict[str, str] = {}
    configuration = services.configured(
        {
            **streams.sections,
            "redis": {"url": store.url, "prefix": prefix},
            "labels": LABELS,
            "select": {"budget": 0.5, "on_desk_outage": on_desk_outage},
            "capacity": {"target_backlog": 400},
            "auth": auth(secrets, root="admin", ann="reviewer"),
        }
    )
    service = services.start(configuration)
    await service.ready()
    return Run(service, streams, DeskStore(store.url, prefix), secrets)


async def test_with_pause_no_event_is_decided_while_the_desk_is_away(
    services: Services, kafka: LocalKafka | GivenKafka, store: EmbeddedValkey, prefix: str
) -> None:
    """The stream waits, a metric and a log line say so, and it goes on where it stood."""
    run = await started(services, kafka.bootstrap_servers, store, prefix, "pause")
    await run.produce(0, 200)
    await run.decided(200)
    async with run.root() as root:
        assert await root.metric('streamsel_desk_outage{mode="pause"}') == 0

        store.kill()
        await until(lambda: says(root, 'streamsel_desk_outage{mode="pause"}', 1.0), what="the outage noticed")
        await run.produce(200, 300)
        await until(lambda: says(root, "streamsel_consumer_lag", 300.0), what="the events wait")
        assert await run.streams.count("decisions") == 200
        (line,) = run.service.logged("desk_unreachable")
        assert (line["level"], line["on_desk_outage"]) == ("error", "pause")

        store.start()
        await run.decided(500)
        await until(lambda: says(root, 'streamsel_desk_outage{mode="pause"}', 0.0), what="the outage over")
        assert len(run.service.logged("desk_reachable")) == 1
    await run.nothing_lost()


async def test_with_shed_events_are_decided_without_queries_while_the_desk_is_away(
    services: Services, kafka: LocalKafka | GivenKafka, store: EmbeddedValkey, prefix: str
) -> None:
    """The stream goes on in lane none; what had been asked before is offered when the desk is back."""
    run = await started(services, kafka.bootstrap_servers, store, prefix, "shed")
    producer = Producer(run.streams.produce, Random(1))
    producing = asyncio.create_task(producer.produce())
    async with run.root() as root:
        await run.decided(100)
        store.kill()  # in full flow
        await until(lambda: says(root, 'streamsel_desk_outage{mode="shed"}', 1.0), what="the outage noticed")
        (line,) = run.service.logged("desk_unreachable")
        assert (line["level"], line["on_desk_outage"]) == ("error", "shed")
        begun = await run.streams.count("decisions")
        await run.decided(begun + 300)

        store.start()
        await until(lambda: says(root, 'streamsel_desk_outage{mode="shed"}', 0.0), what="the outage over")
        await run.decided(await run.streams.count("decisions") + 300)
        producer.stopping = True
        await producing
    await until(lambda: counting.all_decided(run.streams), what="all decided")
    await run.nothing_lost()
    decisions = sorted(
        (record.content for record in await run.streams.records("decisions")),
        key=lambda decision: float(decision["decided_at"]),
    )
    meanwhile = {decision["lane"] for decision in decisions[begun : begun + 200]}
    assert meanwhile == {"none"}
    assert {decision["lane"] for decision in decisions[:100]} > {"uncertain"}
    assert {decision["lane"] for decision in decisions[-300:]} > {"uncertain"}


@pytest.mark.slow
async def test_after_the_broker_was_killed_everything_resumes_by_itself(
    services: Services, kafka: LocalKafka | GivenKafka, store: EmbeddedValkey, prefix: str
) -> None:
    """Away longer than any call waits for it, and killed in full flow: no event and no label is lost."""
    broker = ours(kafka)
    run = await started(services, broker.bootstrap_servers, store, prefix, "pause")
    ann = Reviewer("ann", run.secrets["ann"], lambda: run.service.url, truth, Random(2))
    answering = asyncio.create_task(ann.work())
    await run.produce(0, 2_000)
    await until(lambda: len(ann.acknowledged) > 20, what="answers before")
    broker.kill()
    await asyncio.sleep(BROKER_AWAY_SECONDS)
    # Now, for she may have answered everything by the time all is decided.
    before = len(ann.acknowledged)
    await asyncio.to_thread(broker.start)
    await run.produce(2_000, 1_000)
    await run.decided(3_000)
    await until(lambda: len(ann.acknowledged) > before, what="answers after", seconds=RECOVERY_SECONDS)
    ann.stopping = True
    await answering
    await run.nothing_lost()
    log = await counting.labels_kept(run.streams, ann.acknowledged)
    # What the log took too long to confirm was sent again, and may be there twice; it is learned once.
    learned = await counting.learned(run.service, run.secrets["root"], run.streams)
    assert learned["labels_learned"] == len({label["label_id"] for label in log})
    assert run.service.process.poll() is None


@pytest.mark.slow
@pytest.mark.parametrize("server", ["store", "broker"])
@pytest.mark.parametrize("how", ["killed", "halted"])
async def test_sigterm_ends_it_within_five_seconds_whatever_is_away(
    services: Services,
    kafka: LocalKafka | GivenKafka,
    store: EmbeddedValkey,
    prefix: str,
    server: str,
    how: str,
) -> None:
    """In full flow, with a server gone or hanging, it leaves what can't be finished to the next one."""
    broker = ours(kafka)
    run = await started(services, broker.bootstrap_servers, store, prefix, "pause")
    producer = Producer(run.streams.produce, Random(3))
    ann = Reviewer("ann", run.secrets["ann"], lambda: run.service.url, truth, Random(3))
    working = [asyncio.create_task(producer.produce()), asyncio.create_task(ann.work())]
    await until(lambda: len(ann.acknowledged) > 20, what="answers")
    away = store if server == "store" else broker
    async with absent(away, how):
        status, seconds = await run.service.end()
    assert (status, seconds <= DRAIN_SECONDS) == (0, True), f"status {status} after {seconds:.1f} s"

    run.service.start()
    producer.stopping = ann.stopping = True
    await asyncio.gather(*working)
    await until(lambda: counting.all_decided(run.streams), what="all decided")
    await run.nothing_lost()
    await counting.labels_kept(run.streams, ann.acknowledged)


@asynccontextmanager
async def absent(server: LocalKafka | EmbeddedValkey, how: str) -> AsyncIterator[None]:
    """Gone, or there and doing nothing, until the end of the context."""
    if how == "halted":
        with halted(server):
            yield
        return
    server.kill()
    try:
        yield
    finally:
        await asyncio.to_thread(server.start)


def ours(broker: LocalKafka | GivenKafka) -> LocalKafka:
    """A broker that can be killed."""
    if not isinstance(broker, LocalKafka):
        pytest.skip("this broker is not ours to kill")
    return broker


async def says(caller: Caller, sample: str, value: float) -> bool:
    """Whether a metric has just this value."""
    return await caller.metric(sample) == value
