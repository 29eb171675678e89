"""What a command brings into its process before it does anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_HEAVY = (
    "aiokafka",
    "authlib",
    "crowdkit",
    "fastapi",
    "httpx",
    "lightgbm",
    "narwhals",
    "pandas",
    "prometheus_client",
    "pyarrow",
    "redis",
    "rich.progress",
    "river",
    "scipy",
    "sklearn",
    "starlette",
    "structlog",
    "uvicorn",
)


def _brought(program: str, directory: Path) -> set[str]:
    """Those of the heavy modules that are loaded when the program ends, however it ends."""
    told = f"import atexit, sys\natexit.register(lambda: print('loaded', *sys.modules))\n{program}"
    ended = subprocess.run(
        [sys.executable, "-c", told], cwd=directory, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    loaded = ended.stdout.splitlines()[-1].split()
    assert "streamsel" in loaded
    return {*_HEAVY} & {*loaded}


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "serve --help",
        "demo --help",
        "labels --help",
        "--version",
        "config schema",
        "config key --name a --scope lead",
    ],
)
def test_help_and_configuration_bring_neither_servers_nor_models(command: str, tmp_path: Path) -> None:
    """Whoever asks for help, or checks a configuration, does not wait for what only a service needs."""
    arguments = ["streamsel", *command.split()]
    assert not _brought(f"sys.argv = {arguments!r}\nfrom streamsel.cli import main\nmain()", tmp_path)


def test_a_configuration_is_checked_without_servers_and_models(tmp_path: Path) -> None:
    """As above, with a file to read."""
    (tmp_path / "streamsel.toml").write_text('[labels]\nnames = ["legit", "fraud"]\n')
    assert not _brought(
        "sys.argv = ['streamsel', 'config', 'check']\nfrom streamsel.cli import main\nmain()", tmp_path
    )


def test_a_service_brings_no_model_before_it_knows_that_it_selects(tmp_path: Path) -> None:
    """A desk learns nothing, and signs nobody in where no provider is configured."""
    brought = _brought("import streamsel.wiring.service", tmp_path)
    assert not brought & {"river", "scipy", "sklearn", "lightgbm", "pandas", "pyarrow", "authlib", "httpx"}


def test_a_selector_brings_only_what_its_preset_needs(tmp_path: Path) -> None:
    """The default preset decides its first event without pandas, scikit-learn and LightGBM."""
    brought = _brought(
        "import streamsel.services.watchdog, streamsel.wiring.learning, streamsel.wiring.selector\n"
        "from streamsel.learning.presets import build\n"
        "from streamsel.learning.spec import ModelSpec\n"
        "build(ModelSpec(('legit', 'fraud')))",
        tmp_path,
    )
    assert not brought & {"sklearn", "lightgbm", "pandas", "pyarrow"}
