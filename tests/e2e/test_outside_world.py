"""A real broker, a transactions file from an outside client, labels by plain HTTP, a real Prometheus."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import httpx
import orjson
import pytest

from loadtest.outside import counting
from loadtest.outside.calling import Caller, calling
from loadtest.outside.service_process import Sections, ServiceProcess, Services, auth
from loadtest.outside.streams import KafkaStreams
from loadtest.outside.waiting import until
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.demo.transactions import LABELS, transactions
from tests.e2e.prometheus import Labels, Prometheus, scraping
from tests.servers import GivenKafka

pytestmark = pytest.mark.kafka

EVENTS = 3_000
DRAIN_SECONDS = 5.0


def write_transactions(path: Path, times: int = 1) -> dict[str, str]:
    """A file of ``EVENTS`` JSON lines, so many times over; returns the truth by event id."""
    sample = list(islice(transactions(1, EVENTS), EVENTS))
    path.write_bytes(b"".join(orjson.dumps(one.event) + b"\n" for one in sample) * times)
    return {str(one.event["id"]): one.truth for one in sample}


async def produce_file(streams: KafkaStreams, path: Path) -> None:
    """Puts the lines of a file into the events topic: by kcat, or librdkafka where that is missing."""
    if shutil.which("kcat") is None:
        await streams.produce((await asyncio.to_thread(path.read_bytes)).splitlines())
        return
    command = ("kcat", "-P", "-b", streams.bootstrap_servers, "-t", streams.topic("events"), "-l", str(path))
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


def sections(streams: KafkaStreams, secrets: dict[str, str]) -> Sections:
    """A configuration such as a user would write; the desk is on the embedded Valkey."""
    return {
        **streams.sections,
        "stream": {"timestamp": "time", "exclude": ["customer", "terminal"]},
        "labels": {"names": list(LABELS)},
        "select": {"budget": 0.2},
        "capacity": {"fill_seconds": 1.0},
        "auth": auth(secrets, ann="reviewer"),
    }


@dataclass(frozen=True, slots=True)
class World:
    """A service that has decided a whole file."""

    service: ServiceProcess
    streams: KafkaStreams
    secret: str
    truths: dict[str, str]

    @asynccontextmanager
    async def ann(self) -> AsyncIterator[Caller]:
        """A reviewer."""
        async with calling(await self.service.ready(), self.secret) as caller:
            yield caller

    async def label(self, ann: Caller) -> int:
        """Answers one query truthfully; returns the first model version that has learned it."""
        (claim,) = await ann.claim()
        response = await ann.label(claim, self.truths[claim["query"]["event_id"]])
        assert response.status_code == httpx.codes.CREATED
        return int(response.json()["model_version"])


@pytest.fixture(scope="module")
def world(kafka: LocalKafka | GivenKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The service running, and a file of transactions decided."""
    directory = tmp_path_factory.mktemp("world")
    streams = KafkaStreams(kafka.bootstrap_servers, f"test-{secrets.token_hex(6)}", session_seconds=6.0)
    keys: dict[str, str] = {}
    services = Services(directory)
    try:
        service = services.start(services.configured(sections(streams, keys)))
        truths = write_transactions(directory / "transactions.jsonl")

        async def decide() -> None:
            await service.ready()
            await produce_file(streams, directory / "transactions.jsonl")
            await until(lambda: decided(streams, EVENTS), what="the file is decided")

        asyncio.run(decide())
        yield World(service, streams, keys["ann"], truths)
    finally:
        services.end_all()


async def decided(streams: KafkaStreams, events: int) -> bool:
    return await streams.count("decisions") >= events


async def test_every_transaction_of_the_file_is_decided_once(world: World) -> None:
    """One decision each, and the queries are at the desk."""
    asked = await counting.decided_once(world.streams)
    assert await world.streams.count("decisions") == EVENTS
    async with world.ann() as ann:
        for query_id, (event_id,) in list(asked.items())[:5]:
            assert (await ann.query(query_id))["query"]["event_id"] == event_id


async def test_each_label_raises_the_model_version_by_one(world: World) -> None:
    """Every answer is learned by itself, and changes what the model predicts."""
    async with world.ann() as ann:
        before = await ann.model()
        for _ in range(20):
            version = await world.label(ann)
            assert version == before["version"] + 1

            async def learned(version: int = version) -> bool:
                return bool((await ann.model())["version"] >= version)

            await until(learned, what=f"model version {version}")
            now = await ann.model()
            assert now["version"] == version
            assert now["labels_learned"] == before["labels_learned"] + 1
            assert now["digest"] != before["digest"]
            before = now


async def test_a_broken_event_ends_in_the_dead_letters_with_its_reason(world: World) -> None:
    """The stream goes on past it; payload, place and reason are kept."""
    broken, good = b'{"id": "tx-broken", "amount": NaN}', b'{"id": "tx-after", "amount": 1.5}'
    decisions = await world.streams.count("decisions")
    await world.streams.produce([broken, good])
    await until(lambda: decided(world.streams, decisions + 1), what="the event after it is decided")
    (place,) = [one for one in await world.streams.records("events") if one.value == broken]
    (letter,) = [
        letter
        for record in await world.streams.records("dead-letters")
        if (letter := record.content)["payload"] == broken.decode()
    ]
    assert letter["reason"] == "not_finite"
    assert letter["source"] == [world.streams.topic("events"), place.partition, place.offset]


@pytest.mark.prometheus
async def test_a_real_prometheus_reads_the_fixed_names_with_their_values(
    world: World, tmp_path: Path
) -> None:
    """Each metric is there under its name and labels, and says what the logs say."""
    async with world.ann() as ann:
        for _ in range(3):
            await world.label(ann)
        labels = [record.content for record in await world.streams.records("labels")]
        decisions = [record.content for record in await world.streams.records("decisions")]
        letters = [record.content for record in await world.streams.records("dead-letters")]
        queue = await ann.queue()

    with scraping(await world.service.ready(), tmp_path) as prometheus:
        expected: dict[str, Mapping[Labels, int]] = {
            "streamsel_events_total": {(): len(decisions)},
            "streamsel_queries_total": Counter(
                (("lane", one["lane"]),) for one in decisions if one["lane"] != "none"
            ),
            "streamsel_labels_total": Counter(
                (("label", one["label"]), ("source", one["source"])) for one in labels
            ),
            "streamsel_dead_letters_total": Counter((("reason", one["reason"]),) for one in letters),
            "sum(streamsel_review_backlog)": {(): queue["backlog"]},
            "streamsel_model_version": {(): len(labels)},
            "streamsel_fold_lag": {(): 0},
            "streamsel_live_reviewers": {(): 1},
        }
        for query, samples in expected.items():
            await reads(prometheus, query, samples)
        assert set(await prometheus.samples("streamsel_review_backlog")) == {
            (("lane", "explore"),),
            (("lane", "holdout"),),
            (("lane", "rule"),),
            (("lane", "uncertain"),),
        }
        assert (await prometheus.samples("streamsel_review_oldest_seconds"))[()] > 0.0
        assert 0.0 < (await prometheus.samples("streamsel_query_fraction"))[()] <= 0.2
        assert len(await prometheus.samples("streamsel_gate_threshold")) == 1
        observed = await prometheus.samples("streamsel_stage_seconds_count > 0")
        stages = {dict(key)["stage"] for key in observed}
        assert stages == {"decode", "score", "gate", "send", "offer", "commit", "learn"}
        assert await prometheus.samples("streamsel_stage_seconds_bucket{stage='decode'}")


async def reads(prometheus: Prometheus, query: str, samples: Mapping[Labels, int]) -> None:
    """Returns once Prometheus has just these samples."""
    seen: object = None

    async def same() -> bool:
        nonlocal seen
        seen = await prometheus.samples(query)
        return seen == samples

    try:
        await until(same, what=query)
    except AssertionError:
        pytest.fail(f"{query}: {seen}, expected {samples}")


async def test_sigterm_drains_within_five_seconds_with_everything_committed(
    services: Services, kafka: LocalKafka | GivenKafka, prefix: str
) -> None:
    """Told to end in full flow it leaves nothing half done: what is decided is committed, and no more."""
    streams = KafkaStreams(kafka.bootstrap_servers, prefix, session_seconds=6.0)
    service = services.start(services.configured(sections(streams, {})))
    await service.ready()
    write_transactions(services.directory / "many.jsonl", times=20)
    producing = asyncio.create_task(produce_file(streams, services.directory / "many.jsonl"))
    await until(lambda: decided(streams, 1), what="the first decision")
    status, seconds = await service.end()
    await producing
    assert (status, seconds <= DRAIN_SECONDS) == (0, True), f"status {status} after {seconds:.1f} s"
    ends = Counter(record.partition for record in await streams.records("decisions"))
    assert await streams.committed() == ends
    assert 0 < ends.total() < 20 * EVENTS

    service.start()
    await until(lambda: decided(streams, 20 * EVENTS), what="all decided")
    await until(streams.fully_committed, what="all committed")
    await counting.decided_once(streams)
    assert all(line["recorded"] == 0 for line in service.logged("partitions_assigned"))
