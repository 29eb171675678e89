"""requirements/*.lock: what is installed anywhere, byte for byte."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("build", "service", "broker", "dev")


@pytest.fixture(scope="module")
def pins(root: Path) -> dict[str, dict[str, str]]:
    """Version by package, by lock."""
    return {name: _pins((root / f"requirements/{name}.lock").read_text()) for name in LOCKS}


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes(name: str, root: Path) -> None:
    """pip --require-hashes takes nothing else."""
    text = (root / f"requirements/{name}.lock").read_text().replace("\\\n", " ")
    pinned = [line for line in text.splitlines() if re.match(r"[\w.-]+==", line)]
    assert pinned
    assert [line for line in pinned if "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_a_registry_or_a_path(name: str, root: Path) -> None:
    """Packages come from whichever registry the machine is set up for."""
    text = (root / f"requirements/{name}.lock").read_text()
    assert re.findall(r"\w+://|--\w*index|--find-links|file:|^/|\s/\w", text, re.MULTILINE) == []


def test_the_locks_agree(pins: dict[str, dict[str, str]]) -> None:
    """What is tested is what is deployed: each lock is part of the development one."""
    for name in LOCKS:
        assert pins[name].items() <= pins["dev"].items(), name
    assert pins["service"].items() <= pins["broker"].items()


def test_the_locks_satisfy_pyproject(pins: dict[str, dict[str, str]], project: dict[str, Any]) -> None:
    """A dependency added or raised without `make lock` is noticed."""
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    service = project["project"]["dependencies"]
    everything = [service, *extras.values(), *groups.values()]
    assert _unsatisfied(service, pins["service"]) == []
    assert _unsatisfied([*service, *extras["broker"]], pins["broker"]) == []
    assert _unsatisfied(groups["build"], pins["build"]) == []
    assert _unsatisfied(project["build-system"]["requires"], pins["build"]) == []
    assert _unsatisfied([line for lines in everything for line in lines], pins["dev"]) == []


def _pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE))


def _unsatisfied(requirements: Iterable[str], pins: dict[str, str]) -> list[str]:
    wanted = [Requirement(line) for line in requirements]
    return [
        str(requirement)
        for requirement in wanted
        if not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "0"))
    ]
