"""``streamsel serve --workers``: several selectors of one machine, kept running by one parent."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from loadtest.outside import counting
from loadtest.outside.command_line import streamsel
from loadtest.outside.service_process import ServiceProcess, Services, metric
from loadtest.outside.streams import KafkaStreams
from loadtest.outside.transactions import LABELS, transaction
from loadtest.outside.waiting import until
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka

START_SECONDS = 120.0


@pytest.mark.slow
@pytest.mark.kafka
async def test_workers_share_the_partitions_and_one_that_is_killed_comes_back(
    services: Services, kafka: LocalKafka | GivenKafka, prefix: str
) -> None:
    """Two selectors and a desk over one embedded store decide every event once, a kill -9 notwithstanding;
    Ctrl-C ends them all."""
    streams = KafkaStreams(kafka.bootstrap_servers, prefix, 6.0)
    configuration = services.configured({**streams.sections, "labels": LABELS})
    parent = services.start(configuration, "both", "--workers", "2")
    await until(lambda: shared(parent), what="a partition for each", seconds=START_SECONDS)

    await streams.produce([transaction(number) for number in range(600)])
    await until(lambda: counting.all_decided(streams), what="all decided", seconds=START_SECONDS)
    urls = [line["url"] for line in parent.logged("serving") if line["roles"] == ["selector"]]
    decided = [await metric(url, "streamsel_events_total") for url in urls]
    assert len(decided) == 2
    assert min(decided) > 0
    assert sum(decided) == 600

    pids = {line["worker"]: line["pid"] for line in parent.logged("worker_started")}
    assert pids.keys() == {"desk", "selector-1", "selector-2"}
    os.kill(pids["selector-1"], signal.SIGKILL)
    await streams.produce([transaction(number) for number in range(600, 1_200)])
    await until(lambda: counting.all_decided(streams), what="all decided", seconds=START_SECONDS)
    await until(
        lambda: len(parent.logged("worker_started")) == 4, what="another start", seconds=START_SECONDS
    )
    assert [line["worker"] for line in parent.logged("worker_died")] == ["selector-1"]
    await counting.decided_once(streams)

    status, _ = await parent.end(signal.SIGINT)
    assert status == 0
    for line in parent.logged("worker_started"):
        with pytest.raises(ProcessLookupError):
            os.kill(line["pid"], 0)


@pytest.mark.slow
async def test_a_worker_that_cannot_work_ends_them_all(
    services: Services, valkey: EmbeddedValkey, prefix: str
) -> None:
    """What one would meet again at every start is told once, with its status."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        configuration = services.configured(
            {"redis": {"url": valkey.url, "prefix": prefix}, "labels": LABELS}
        )
        port = taken.getsockname()[1]
        parent = services.start(configuration, "selector", "--workers", "2", "--port", str(port))
        assert await parent.exited(START_SECONDS) == 1
    assert "Address already in use" in parent.output
    assert not parent.logged("worker_died")


async def test_a_desk_has_no_workers(services: Services) -> None:
    """What is asked for in vain is bad usage."""
    services.configured({"labels": LABELS})
    ran = await streamsel("serve", "--role", "desk", "--workers", "2", directory=services.directory)
    assert ran.status == 2
    assert "--workers" in ran.stderr


def shared(parent: ServiceProcess) -> bool:
    """Whether each of two members has one of two partitions, as of what each was last given."""
    assert parent.process.poll() is None, parent.output[-3000:]
    assigned = [line["partitions"] for line in parent.logged("partitions_assigned")[-2:]]
    return sorted(assigned) == [[0], [1]]
