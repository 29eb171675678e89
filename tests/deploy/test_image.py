"""The container image, as far as it can be judged without a container engine."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from streamsel.config import load

Instruction = tuple[str, str]


@pytest.fixture(scope="module")
def instructions(deploy: Path) -> list[Instruction]:
    """Keyword and the rest, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (deploy / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(keyword, rest) for keyword, _, rest in (line.partition(" ") for line in lines)]


@pytest.fixture(scope="module")
def final(instructions: list[Instruction]) -> dict[str, str]:
    """The last stage, which is what runs."""
    last = max(i for i, (keyword, _) in enumerate(instructions) if keyword == "FROM")
    return dict(instructions[last:])


@pytest.fixture(scope="module")
def final_steps(instructions: list[Instruction]) -> list[str]:
    """What the last stage runs while it is built."""
    last = max(i for i, (keyword, _) in enumerate(instructions) if keyword == "FROM")
    return [step for keyword, rest in instructions[last:] if keyword == "RUN" for step in rest.split("&&")]


def test_hadolint_finds_nothing(deploy: Path) -> None:
    """Not even as a remark."""
    hadolint = Path(sys.executable).with_name("hadolint")
    judged = subprocess.run(
        [hadolint, "--failure-threshold", "style", deploy / "Dockerfile"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_it_runs_the_program_as_nobody_special_and_passes_signals_on(final: dict[str, str]) -> None:
    """Exec form, so that SIGTERM reaches the program and it drains."""
    assert json.loads(final["ENTRYPOINT"]) == ["streamsel"]
    assert json.loads(final["CMD"]) == ["serve"]
    assert final["STOPSIGNAL"] == "SIGTERM"
    assert final["USER"] == "10001:10001"


def test_its_environment_is_a_valid_configuration(
    final: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every STREAMSEL_ variable in the image is one the program knows."""
    empty = tmp_path / "streamsel.toml"
    empty.touch()
    for name, value in re.findall(r"(STREAMSEL_\w+)=(\S+)", final["ENV"]):
        monkeypatch.setenv(name, value)
    config = load(empty, os.environ)
    assert (config.desk.host, config.desk.port) == ("0.0.0.0", 8080)  # noqa: S104
    assert str(config.redis.data_dir) == final["VOLUME"]
    assert final["EXPOSE"] == "8080"


def test_everything_it_is_built_from_is_in_the_build_context(
    instructions: list[Instruction], root: Path
) -> None:
    """.dockerignore lets through what COPY asks for, which exists."""
    copies = [rest.split() for keyword, rest in instructions if keyword == "COPY" and "--from" not in rest]
    ignore = (root / ".dockerignore").read_text().splitlines()
    let_through = [line.removeprefix("!") for line in ignore if line.startswith("!")]
    for source in (name.rstrip("/") for *names, _ in copies for name in names):
        assert (root / source).exists(), source
        assert any(fnmatch.fnmatch(source, pattern) for pattern in let_through), source


def test_packages_come_by_hash_and_only_as_wheels(instructions: list[Instruction]) -> None:
    """Nothing from a registry is run while building."""
    steps = [step for keyword, rest in instructions if keyword == "RUN" for step in rest.split("&&")]
    installs = [step for step in steps if "pip " in step and " install " in step and "--no-deps" not in step]
    assert len(installs) == 2
    for step in installs:
        assert "--require-hashes --only-binary :all: -r requirements/" in step


def test_it_has_the_libraries_that_wheels_expect_of_the_system(final_steps: list[str]) -> None:
    """A slim image has no OpenMP, without which LightGBM can't be loaded. Debian's packages come pinned."""
    (install,) = [step for step in final_steps if "apt-get install" in step]
    assert "libgomp1=" in install
    assert any("rm -rf /var/lib/apt/lists/*" in step for step in final_steps)


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (None, False)])
def test_the_health_check_tells_health_from_trouble(
    status: int | None, healthy: bool, final: dict[str, str]
) -> None:
    """It runs as it stands in the image: against a healthy server, an ailing one, and none."""
    command = json.loads(final["HEALTHCHECK"].partition(" CMD ")[2])
    assert command[0] == "python"
    with _serving(status) as port:
        checked = subprocess.run(
            [sys.executable, *command[1:]],
            env={"STREAMSEL_DESK__PORT": str(port)},
            capture_output=True,
            timeout=30,
            check=False,
        )
    assert (checked.returncode == 0) is healthy


@contextmanager
def _serving(status: int | None) -> Iterator[int]:
    """A port that answers /healthz with the status; ``None`` closes it first."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if self.path != "/healthz" else status or 500)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        if status is None:
            server.server_close()
            yield server.server_port
            return
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
