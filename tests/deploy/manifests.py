"""The Kubernetes manifests as an overlay renders them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.servers import missing

OVERLAYS = ("small", "production")
SECRETS = {"redis-url": "redis://:valkey-secret@valkey:6379/0", "valkey-password": "valkey-secret"}
"""What the small overlay asks its user for."""
_WORKLOADS = {"Deployment", "StatefulSet"}


class Rendered(NamedTuple):
    """All objects of an overlay."""

    overlay: str
    objects: list[dict[str, Any]]

    def of_kind(self, kind: str) -> dict[str, dict[str, Any]]:
        """By name."""
        return {one["metadata"]["name"]: one for one in self.objects if one["kind"] == kind}

    def pods(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and template of everything that makes pods."""
        for one in self.objects:
            if one["kind"] in _WORKLOADS:
                yield one["metadata"]["name"], one["spec"]["template"]


def rendered(deploy: Path, overlay: str, directory: Path) -> Rendered:
    """What ``kubectl apply -k`` would send, with the user's secrets in place."""
    shutil.copytree(deploy / "kustomize", directory, dirs_exist_ok=True)
    secrets = directory / "overlays/small/secrets"
    secrets.mkdir(exist_ok=True)
    for name, content in SECRETS.items():
        (secrets / name).write_text(content)
    built = subprocess.run(
        [*_builder(), directory / "overlays" / overlay],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert built.stderr == ""
    return Rendered(overlay, list(yaml.safe_load_all(built.stdout)))


def keda_schema(kind: str) -> dict[str, Any]:
    """KEDA's own schema of a kind, from its Go module."""
    go = shutil.which("go")
    if go is None:
        missing("go is not installed (Debian: apt-get install golang-go)")
    found = subprocess.run(
        [go, "mod", "download", "-json", "github.com/kedacore/keda/v2@v2.13.1"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if found.returncode:
        missing(f"KEDA's module cannot be had: {found.stderr}")
    directory = Path(json.loads(found.stdout)["Dir"])
    definition = yaml.safe_load((directory / f"config/crd/bases/keda.sh_{kind.lower()}s.yaml").read_text())
    (version,) = definition["spec"]["versions"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return schema


def _builder() -> list[str]:
    kustomize, kubectl = shutil.which("kustomize"), shutil.which("kubectl")
    if kustomize is None and kubectl is None:
        missing("no kustomize and no kubectl (go install sigs.k8s.io/kustomize/kustomize/v5@v5.0.3)")
    return [str(kubectl), "kustomize"] if kustomize is None else [kustomize, "build"]
