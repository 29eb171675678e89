"""Servers we start ourselves: what they keep, how they end, and what happens when we are killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from streamsel.adapters import local_kafka
from streamsel.adapters.embedded import DataDirectoryInUse, EmbeddedValkey
from streamsel.adapters.kafka import KafkaCluster
from streamsel.adapters.kafka_log import KafkaLabelLog
from streamsel.adapters.kafka_topics import KafkaTopics, ensure_topics
from streamsel.adapters.local_kafka import BrokerNotInstalled, LocalKafka
from streamsel.adapters.local_process import end_child, start_child

OWNER = """
import signal, sys
from pathlib import Path
from streamsel.adapters.embedded import EmbeddedValkey
server = EmbeddedValkey(Path(sys.argv[1]))
server.start()
try:
    print("ready", flush=True)
    signal.pause()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    signal.pause()
"""


@contextmanager
def owner(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own that owns an embedded server."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(directory)], stdout=subprocess.PIPE, text=True, process_group=0
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def server_of(process: subprocess.Popen[str]) -> psutil.Process:
    (child,) = psutil.Process(process.pid).children()
    return child


def client_of(directory: Path) -> redis.Redis:
    return redis.Redis.from_url(EmbeddedValkey(directory).url)


def test_data_stays_from_one_start_to_the_next(tmp_path: Path) -> None:
    """After an orderly end, and after a power cut."""
    server = EmbeddedValkey(tmp_path)
    for end in (server.stop, server.kill):
        server.start()
        with client_of(tmp_path) as client:
            client.incr("starts")
        end()
    with server, client_of(tmp_path) as client:
        assert client.get("starts") == b"2"


def test_only_this_user_may_connect(tmp_path: Path) -> None:
    """No TCP port, and a socket for nobody else."""
    with EmbeddedValkey(tmp_path) as server, client_of(tmp_path) as client:
        assert client.config_get("port") == {"port": "0"}
        assert Path(server.url.removeprefix("unix://")).stat().st_mode & 0o777 == 0o700


def test_a_directory_is_served_once(tmp_path: Path) -> None:
    """A second server is refused, here and from another process, naming the directory and the holder."""
    with EmbeddedValkey(tmp_path), pytest.raises(DataDirectoryInUse, match=f"{tmp_path}.*{os.getpid()}"):
        EmbeddedValkey(tmp_path).start()
    with owner(tmp_path) as process, pytest.raises(DataDirectoryInUse, match=str(process.pid)):
        EmbeddedValkey(tmp_path).start()


def test_a_killed_owner_takes_its_server_along_and_loses_nothing(tmp_path: Path) -> None:
    """kill -9 of the owner: the server ends by itself, and the next start has all data."""
    with owner(tmp_path) as process, client_of(tmp_path) as client:
        server = server_of(process)
        for number in range(1_000):
            client.set(f"key{number}", number)
        process.kill()
        assert psutil.wait_procs([server], timeout=10)[0]
    with EmbeddedValkey(tmp_path), client_of(tmp_path) as client:
        assert client.dbsize() == 1_000


def test_a_server_left_behind_is_ended_before_the_next_starts(tmp_path: Path) -> None:
    """Where a server outlives its killed owner, two never write the same file."""
    with EmbeddedValkey(tmp_path) as server:
        assert server._child is not None
        orphan = server._child
        with client_of(tmp_path) as client:
            client.set("key", "value")
        server._forget()  # as the kernel does for a killed owner: the lock is gone, the server is not
        with EmbeddedValkey(tmp_path), client_of(tmp_path) as client:
            assert orphan.wait(10) == 0
            assert client.get("key") == b"value"


def test_ctrl_c_reaches_the_owner_and_not_the_server(tmp_path: Path) -> None:
    """The terminal interrupts a whole process group; the owner still has to drain into its server."""
    with owner(tmp_path) as process, client_of(tmp_path) as client:
        assert process.stdout is not None
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert client.ping()


def test_a_path_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    """Before anything is started, with advice."""
    with pytest.raises(ValueError, match="choose a data directory with a shorter path"):
        EmbeddedValkey(tmp_path / ("x" * 120))


def test_a_server_that_does_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    """The end of the log says why; the directory is free again."""
    for _ in range(2):
        with pytest.raises(RuntimeError, match="ended with status 1"):
            EmbeddedValkey(tmp_path, Path("/bin/false")).start()


def test_a_child_that_will_not_end_is_killed(tmp_path: Path) -> None:
    """Asked first, then not asked."""
    child = start_child(
        ["/bin/sh", "-c", "trap '' TERM; echo up; exec sleep 60"], directory=tmp_path, log=tmp_path / "log"
    )
    while not (tmp_path / "log").read_text():
        time.sleep(0.01)
    end_child(child, patience_seconds=0.2)
    assert child.returncode == -signal.SIGKILL


@pytest.mark.kafka
def test_a_broker_keeps_its_data(tmp_path: Path) -> None:
    """A broker started as a module prints its address and ends with it; the next one has its data."""
    topics = KafkaTopics.under("")

    async def append(bootstrap_servers: str) -> int:
        await ensure_topics(KafkaCluster(bootstrap_servers), topics)
        log = KafkaLabelLog(KafkaCluster(bootstrap_servers), topics.labels)
        try:
            (offset,) = await log.append([b"label"])
            return offset
        finally:
            await log.close()

    command = [sys.executable, "-m", "streamsel.adapters.local_kafka", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert asyncio.run(append(process.stdout.readline().strip())) == 0
        server = server_of(process)
        process.terminate()
        assert process.wait(20) == 0
        assert not server.is_running()
    finally:
        process.kill()
        process.communicate()
    with LocalKafka(tmp_path) as broker:
        assert asyncio.run(append(broker.bootstrap_servers)) == 1


@pytest.mark.kafka
def test_a_broker_that_cannot_start_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error has the reason; a directory made for it is gone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(RuntimeError, match="Unable to parse nonsense to a broker endpoint"):
        LocalKafka(settings={"listeners": "nonsense"}).start()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
def test_a_jar_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    """A file that was tampered with never gets onto the class path."""
    forged = tmp_path / "kafka-clients-4.3.0.jar"
    forged.write_bytes(b"not the jar")
    with pytest.raises(
        RuntimeError, match=r"kafka-clients-4\.3\.0\.jar is not the file kafka_jars\.lock names"
    ):
        local_kafka._verify({forged})
    with pytest.raises(RuntimeError, match="names jars that were not resolved: HdrHistogram"):
        local_kafka._verify(set())


def test_missing_packages_are_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, a broker says how to get it."""
    monkeypatch.setitem(sys.modules, "jgo", None)
    with pytest.raises(BrokerNotInstalled, match=r"pip install 'streamsel\[broker\]'"):
        LocalKafka().start()
