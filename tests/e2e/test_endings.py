"""How ``streamsel serve`` ends: in order when told to, with one clear line when it can't go on or begin."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from redis import Redis

from loadtest.outside.calling import calling
from loadtest.outside.command_line import streamsel
from loadtest.outside.service_process import Sections, Services, auth, log_lines, toml
from loadtest.outside.streams import KafkaStreams
from loadtest.outside.transactions import LABELS, LEGIT, transaction
from loadtest.outside.waiting import until
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.config import Config
from streamsel.wiring.service import running
from tests.servers import GivenKafka

DRAIN_SECONDS = 5.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_told_to_end_it_drains_and_leaves_with_status_0(
    services: Services, valkey: EmbeddedValkey, prefix: str, number: signal.Signals
) -> None:
    """Ctrl-C or SIGTERM: no traceback, and the log says what was drained."""
    configuration = services.configured({"redis": {"url": valkey.url, "prefix": prefix}})
    service = services.start(configuration)
    await service.ready()
    status, seconds = await service.end(number)
    assert (status, seconds <= DRAIN_SECONDS) == (0, True)
    assert "Traceback" not in service.output
    (drained,) = service.logged("selector_drained")
    assert drained["unfinished"] == 0


async def test_told_to_end_while_starting_it_leaves_with_status_0(
    services: Services, valkey: EmbeddedValkey, prefix: str
) -> None:
    """As soon as it listens, before it may have folded the log and joined the group."""
    configuration = services.configured({"redis": {"url": valkey.url, "prefix": prefix}})
    service = services.start(configuration)
    await service.listening()
    status, seconds = await service.end()
    assert (status, seconds <= DRAIN_SECONDS) == (0, True)
    assert "Traceback" not in service.output


@pytest.mark.kafka
async def test_a_flood_of_poison_stops_it_with_the_reason(
    services: Services, kafka: LocalKafka | GivenKafka, valkey: EmbeddedValkey, prefix: str
) -> None:
    """More than half of the last 1,000 events unreadable: status 1, and one line that says what and where."""
    streams = KafkaStreams(kafka.bootstrap_servers, prefix, session_seconds=6.0)
    configuration = services.configured(
        {**streams.sections, "redis": {"url": valkey.url, "prefix": prefix}, "labels": LABELS}
    )
    service = services.start(configuration)
    await service.ready()
    good = [transaction(number) for number in range(1_000)]
    await streams.produce([event for one in good for event in (one, b"<xml/>", b"<xml/>")])
    assert await service.exited(seconds=30.0) == 1
    assert "Traceback" not in service.output
    last = service.output.splitlines()[-1]
    assert last.startswith("streamsel: ")
    for part in ("of the last 1000 events could not be read", "not_json", streams.topic("events")):
        assert part in last
    # What came before the stop is kept in the topics: nothing was drained away.
    letters = [record.content for record in await streams.records("dead-letters")]
    assert {letter["reason"] for letter in letters} == {"not_json"}
    assert len(letters) < 2_000


async def test_a_port_that_is_taken(tmp_path: Path, valkey: EmbeddedValkey, prefix: str) -> None:
    """Status 1, and the line names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        configure(tmp_path, {"desk": {"port": port}, "redis": {"url": valkey.url, "prefix": prefix}})
        ran = await streamsel("serve", directory=tmp_path)
    assert ran.status == 1
    assert "in use" in ran.complaint
    assert str(port) in ran.complaint


async def test_a_port_that_is_taken_leaves_nothing_under_way(valkey: EmbeddedValkey, prefix: str) -> None:
    """What is begun before there is who ends it could keep the process from leaving."""
    begun = asyncio.all_tasks()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = Config.model_validate(
            {"desk": {"port": taken.getsockname()[1]}, "redis": {"url": valkey.url, "prefix": prefix}}
        )
        with pytest.raises(OSError, match="in use"):
            async with running(config, frozenset({"selector", "desk"})):
                pass
    assert asyncio.all_tasks() == begun


async def test_a_data_directory_in_use(services: Services, tmp_path: Path) -> None:
    """Two services never share an embedded store: the second one names the first one's process."""
    service = services.start(services.configured({"redis": {"data_dir": "data"}}))
    await service.listening()
    ran = await streamsel("serve", "--port", "0", directory=tmp_path)
    assert ran.status == 1
    assert f"is in use by process {service.process.pid}" in ran.complaint


async def test_a_data_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """Where a file stands in its way."""
    (tmp_path / "file").write_text("")
    configure(tmp_path, {"desk": {"port": 0}, "redis": {"data_dir": str(tmp_path / "file" / "data")}})
    ran = await streamsel("serve", directory=tmp_path)
    assert ran.status == 1
    assert str(tmp_path / "file" / "data") in ran.complaint


async def test_a_store_that_does_not_answer(tmp_path: Path) -> None:
    """The line says where it was looked for."""
    configure(tmp_path, {"desk": {"port": 0}, "redis": {"url": "redis://127.0.0.1:1"}})
    ran = await streamsel("serve", directory=tmp_path)
    assert ran.status == 1
    assert "127.0.0.1:1" in ran.complaint


async def test_a_broker_that_does_not_answer(tmp_path: Path, valkey: EmbeddedValkey) -> None:
    """The line says where it was looked for."""
    configure(
        tmp_path,
        {"desk": {"port": 0}, "redis": {"url": valkey.url}, "kafka": {"bootstrap_servers": "127.0.0.1:1"}},
    )
    ran = await streamsel("serve", directory=tmp_path)
    assert ran.status == 1
    assert "127.0.0.1:1" in ran.complaint


@pytest.mark.kafka
async def test_a_compacted_label_log(
    tmp_path: Path, kafka: LocalKafka | GivenKafka, valkey: EmbeddedValkey, prefix: str
) -> None:
    """Labels would vanish from it: refused, with the command that mends it."""
    streams = KafkaStreams(kafka.bootstrap_servers, prefix, session_seconds=6.0)
    topic = streams.topic("labels")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    compacted = NewTopic(topic, 1, 1, config={"cleanup.policy": "compact"})
    admin.create_topics([compacted])[topic].result()
    configure(
        tmp_path, {**streams.sections, "desk": {"port": 0}, "redis": {"url": valkey.url, "prefix": prefix}}
    )
    ran = await streamsel("serve", directory=tmp_path)
    assert ran.status == 1
    for part in (topic, "cleanup.policy=compact", "must have cleanup.policy=delete", "kafka-configs.sh"):
        assert part in ran.complaint


async def test_a_label_log_that_was_made_anew(
    services: Services, valkey: EmbeddedValkey, prefix: str
) -> None:
    """Labels that the desk has seen are gone from it: refused, before a model is made of what is left."""
    secrets: dict[str, str] = {}
    configuration = services.configured(
        {
            "redis": {"url": valkey.url, "prefix": prefix},
            "labels": LABELS,
            "select": {"budget": 1.0},
            "auth": auth(secrets, root="admin"),
        }
    )
    service = services.start(configuration)
    async with calling(await service.ready(), secrets["root"]) as root:
        await root.send([transaction(number) for number in range(10)])
        (claim,) = await root.claim()
        (await root.label(claim, LEGIT)).raise_for_status()
        await until(lambda: settled(valkey.url, prefix, 1), what="the label settled")
    await service.end()
    with Redis.from_url(valkey.url) as client:
        client.delete(f"{{{prefix}}}:labels")
    service.start()
    assert await service.exited() == 1
    assert "Traceback" not in service.output
    assert "settled it up to 1: they do not belong together" in service.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("sections", "complaint"),
    [
        ({"desk": {"prot": 80}}, "desk.prot: unknown key; did you mean 'port'?"),
        ({"redis": {"data_dir": "d" * 200}}, "redis.data_dir: "),
        ({"model": {"factory": "nowhere:make"}}, "model.factory: factory 'nowhere:make'"),
    ],
)
async def test_a_wrong_configuration(tmp_path: Path, sections: Sections, complaint: str) -> None:
    """Status 2, before anything is started; every mistake is named."""
    configure(tmp_path, sections)
    ran = await streamsel("serve", "--port", "0", directory=tmp_path)
    assert ran.status == 2
    assert complaint in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not log_lines(ran.stderr)


def configure(directory: Path, sections: Sections) -> None:
    """Writes ``streamsel.toml``."""
    (directory / "streamsel.toml").write_text(toml(sections))


def settled(url: str, prefix: str, position: int) -> bool:
    """Whether the desk's store knows the label log up to there."""
    with Redis.from_url(url) as client:
        return bool(client.hget(f"{{{prefix}}}:desk", "settled") == b"%d" % position)
