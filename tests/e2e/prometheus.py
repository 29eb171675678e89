"""A real Prometheus that scrapes one service."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx

from streamsel.adapters.local_process import end_child, start_child
from tests.servers import missing

_CONFIGURATION = """\
global:
  scrape_interval: 200ms
scrape_configs:
  - job_name: streamsel
    static_configs:
      - targets: ["{target}"]
"""

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Of a sample, by name, other than the metric's name, the job and the instance."""


class Prometheus:
    """Its HTTP API."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def samples(self, query: str) -> dict[Labels, float]:
        """The instant vector a PromQL expression gives; empty while it can't be asked."""
        async with httpx.AsyncClient(base_url=self._url) as client:
            try:
                response = await client.get("/api/v1/query", params={"query": query})
            except httpx.TransportError:
                return {}
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return {}
        ours = {"__name__", "job", "instance"}
        return {
            tuple(sorted((name, text) for name, text in one["metric"].items() if name not in ours)): float(
                one["value"][1]
            )
            for one in response.raise_for_status().json()["data"]["result"]
        }


@contextmanager
def scraping(service_url: str, directory: Path) -> Iterator[Prometheus]:
    """Starts a Prometheus with its data in ``directory``."""
    executable = shutil.which("prometheus")
    if executable is None:
        missing("prometheus is not installed (Debian: apt-get install prometheus)")
    configuration = directory / "prometheus.yml"
    configuration.write_text(_CONFIGURATION.format(target=urlsplit(service_url).netloc))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    options = {
        "config.file": configuration,
        "storage.tsdb.path": directory / "prometheus",
        "web.listen-address": address,
    }
    command = [executable, *(f"--{name}={value}" for name, value in options.items())]
    child = start_child(command, directory=directory, log=directory / "prometheus.log")
    try:
        yield Prometheus(f"http://{address}")
    finally:
        end_child(child, patience_seconds=10.0)
