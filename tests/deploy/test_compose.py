"""The compose file and the example configuration."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamsel.config import Config, load
from tests.deploy.compose import GIVEN, filled


@pytest.fixture(scope="module")
def text(deploy: Path) -> str:
    return (deploy / "compose.yaml").read_text()


@pytest.fixture(scope="module")
def services(text: str) -> dict[str, Any]:
    """The services with the user's environment filled in."""
    content: dict[str, Any] = yaml.safe_load(filled(text, GIVEN))
    services: dict[str, Any] = content["services"]
    return services


def test_the_file_follows_the_compose_specification(deploy: Path) -> None:
    """Judged by the specification's own JSON Schema."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    judged = subprocess.run(
        [*command, deploy / "compose.yaml"], capture_output=True, text=True, timeout=60, check=False
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.parametrize("name", ["selector", "desk", "producer"])
def test_each_of_our_services_gets_a_configuration_that_loads(
    name: str, services: dict[str, Any], deploy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mounted file and every STREAMSEL_ variable are what the program knows; no key comes with them."""
    config = _configured(services[name], deploy, monkeypatch)
    assert config.kafka.bootstrap_servers == "kafka:9092"
    assert config.redis.url is not None
    assert config.redis.url.get_secret_value() == "redis://:valkey-secret@valkey:6379/0"
    assert config.auth.keys == []


@pytest.mark.parametrize("missing", ["VALKEY_PASSWORD", "GRAFANA_PASSWORD"])
def test_a_missing_password_stops_the_start(missing: str, text: str) -> None:
    """There is no default to forget about."""
    with pytest.raises(LookupError, match=missing):
        filled(text, {name: value for name, value in GIVEN.items() if name != missing})


def test_the_example_environment_names_what_the_compose_file_asks_for(text: str, deploy: Path) -> None:
    """And holds no secret."""
    lines = (deploy / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert set(example) == set(re.findall(r"\$\{(\w+)", text))
    assert set(example.values()) == {""}


def test_the_image_and_its_version_are_this_project_s(services: dict[str, Any], root: Path) -> None:
    """Built from this repository, under the version in pyproject.toml."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    for service in (services[name] for name in ("selector", "desk", "producer")):
        build = service["build"]
        assert service["image"] == f"streamsel:{version}"
        assert (root / "deploy" / build["context"]).resolve() == root
        assert (root / build["dockerfile"]).is_file()


def test_every_image_is_pinned_to_a_full_version(services: dict[str, Any]) -> None:
    """The same stack next year."""
    images = [service["image"] for service in services.values()]
    assert [image for image in images if not re.search(r":v?\d+\.\d+\.\d+(-[a-z]+)?$", image)] == []


def test_services_wait_until_what_they_need_is_healthy(services: dict[str, Any]) -> None:
    """Whatever is waited for has a health check, in the file or in our image."""
    needed = {name: service.get("depends_on", {}) for name, service in services.items()}
    assert set(needed["selector"]) == set(needed["desk"]) == set(needed["producer"]) == {"kafka", "valkey"}
    for waited_for in needed.values():
        for name, how in waited_for.items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in services[name], name


def test_the_store_neither_forgets_nor_evicts(services: dict[str, Any]) -> None:
    """Acknowledged claims survive a power cut, and a full server refuses."""
    command = services["valkey"]["command"]
    settings = dict(zip(command[1::2], command[2::2], strict=True))
    assert command[0] == "valkey-server"
    assert settings["--appendonly"] == "yes"
    assert settings["--appendfsync"] == "always"
    assert settings["--maxmemory-policy"] == "noeviction"
    assert settings["--requirepass"] == "valkey-secret"


def test_nothing_listens_beyond_this_machine(services: dict[str, Any]) -> None:
    """An example stack opens no port to the network."""
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_mounted_file_is_there(services: dict[str, Any], deploy: Path) -> None:
    """Docker would create an empty folder in its place."""
    mounts = [mount for service in services.values() for mount in service.get("volumes", [])]
    sources = [mount.split(":")[0] for mount in mounts if mount.startswith(".")]
    assert [source for source in sources if not (deploy / source).exists()] == []


def _configured(service: Mapping[str, Any], deploy: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The configuration as the program in this service would load it."""
    environment = service["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    mounted = {mount.split(":")[1]: deploy / mount.split(":")[0] for mount in service["volumes"]}
    return load(mounted[environment["STREAMSEL_CONFIG"]], os.environ)
