"""``streamsel serve`` in a process of its own, to be called, drained and killed from outside."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import httpx
import orjson

from loadtest.outside.waiting import until
from streamsel.adapters.local_process import start_child
from streamsel.api.keys import new_key

Role = Literal["both", "selector", "desk"]
Sections = Mapping[str, Mapping[str, object]]


class Child(Protocol):
    """As much of ``subprocess.Popen`` as is asked of a process."""

    pid: int

    @property
    def returncode(self) -> int | Any: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int | None: ...
    def kill(self) -> None: ...
    def send_signal(self, sig: int, /) -> None: ...


class Launch(Protocol):
    """Starts a command in a directory, its output appended to a log."""

    def __call__(self, command: Sequence[str | Path], *, directory: Path, log: Path) -> Child: ...


READY_SECONDS = 120.0
EXIT_SECONDS = 20.0
"""Longer than any drain may take, so that one that takes too long is measured and not just cut off."""


class ServiceProcess:
    """One process at a time over one configuration; may be started again after it ended."""

    def __init__(
        self, configuration: Path, role: Role, log: Path, *options: str, launch: Launch = start_child
    ) -> None:
        self.role = role
        self.configuration = configuration
        """What it reads when it is started."""
        self.under: Sequence[str] = ()
        """What it is started by the next time: ``prlimit`` or ``env`` and their options."""
        self._options = ("--role", role, *options)
        self._launch = launch
        self._log = log
        self._log_start = 0
        self._process: Child | None = None
        self._url: str | None = None

    def start(self) -> None:
        """Starts it without waiting."""
        assert self._process is None or self._process.poll() is not None, "it is still running"
        self._log_start = self._log.stat().st_size if self._log.exists() else 0
        self._url = None
        program = (sys.executable, "-m", "streamsel", "serve", "-c", str(self.configuration))
        self._process = self._launch(
            [*self.under, *program, *self._options], directory=self.configuration.parent, log=self._log
        )

    @property
    def process(self) -> Child:
        """The newest one."""
        assert self._process is not None, "it was never started"
        return self._process

    @property
    def url(self) -> str | None:
        """Where it listens; ``None`` while it is starting."""
        if self._url is None and (serving := self.logged("serving")):
            self._url = serving[0]["url"]
        return self._url

    async def ready(self) -> str:
        """The URL, once ``/readyz`` says yes."""
        url = await self.listening()
        async with httpx.AsyncClient() as client:
            await until(lambda: self._is_ready(client, url), what=f"{self.role} ready", seconds=READY_SECONDS)
        return url

    async def listening(self) -> str:
        """The URL, once it takes calls."""
        return await until(self._listening, what=f"{self.role} listening", seconds=READY_SECONDS)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.wait()

    async def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Signals it to end; returns its exit status and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        status = await self.exited()
        return status, time.monotonic() - began

    async def exited(self, seconds: float = EXIT_SECONDS) -> int:
        """The exit status, once it has ended by itself."""
        await until(lambda: self.process.poll() is not None, what=f"{self.role} ended", seconds=seconds)
        status = self.process.returncode
        assert status is not None
        return int(status)

    @property
    def output(self) -> str:
        """What it has written since it was started, on stdout and stderr."""
        with self._log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log lines of that name since it was started."""
        return [line for line in log_lines(self.output) if line.get("event") == event]

    def logged_ever(self, event: str) -> list[dict[str, Any]]:
        """The log lines of that name from all its lives."""
        return [line for line in log_lines(self._log.read_text()) if line.get("event") == event]

    def _listening(self) -> str | None:
        assert self.process.poll() is None, f"it ended with {self.process.poll()}:\n{self.output[-3000:]}"
        return self.url

    async def _is_ready(self, client: httpx.AsyncClient, url: str) -> bool:
        assert self.process.poll() is None, f"it ended with {self.process.poll()}:\n{self.output[-3000:]}"
        try:
            return (await client.get(f"{url}/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def log_lines(text: str) -> list[dict[str, Any]]:
    """The JSON objects among the lines."""
    lines = [line for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
    return [orjson.loads(line) for line in lines]


class Services:
    """The processes of one test, each with a log of its own; ended with it."""

    def __init__(self, directory: Path, launch: Launch = start_child) -> None:
        self.directory = directory
        self._launch = launch
        self._processes: list[tuple[ServiceProcess, Path]] = []

    def configured(self, sections: Sections, name: str = "streamsel.toml") -> Path:
        """A file with these sections; each process picks a free port of its own."""
        path = self.directory / name
        path.write_text(toml({"desk": {"port": 0}, **sections}))
        return path

    def start(self, configuration: Path, role: Role = "both", *options: str) -> ServiceProcess:
        """Starts a process without waiting for it."""
        log = self.directory / f"{role}-{len(self._processes)}.log"
        process = ServiceProcess(configuration, role, log, *options, launch=self._launch)
        process.start()
        self._processes.append((process, log))
        return process

    def kill_all(self) -> None:
        """Kills what still runs."""
        for process, _ in self._processes:
            process.kill()

    def end_all(self) -> None:
        """Kills what still runs, and shows the end of every log where a failed test is reported."""
        self.kill_all()
        for _, log in self._processes:
            sys.stdout.write(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}\n")


def toml(sections: Sections) -> str:
    """As TOML, in which a JSON string, number, boolean or list of these is written the same."""
    lines: list[str] = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{key} = {_value(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return orjson.dumps(value).decode()


def auth(secrets: dict[str, str], **scopes: str) -> Mapping[str, Sequence[Mapping[str, str]]]:
    """The ``[auth]`` section with a key for each name; puts the secrets into ``secrets``."""
    keys = []
    for name, scope in scopes.items():
        secrets[name], sha256 = new_key()
        keys.append({"name": name, "scope": scope, "sha256": sha256})
    return {"keys": keys}


def bearer(secret: str) -> dict[str, str]:
    """The header that presents an API key."""
    return {"Authorization": f"Bearer {secret}"}


async def metric(url: str, name: str) -> float:
    """The value of a sample by its name and labels as ``/metrics`` writes them; 0 when it isn't there yet."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{url}/metrics")).raise_for_status().text
    for line in text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rsplit(" ", 1)[1])
    return 0.0
