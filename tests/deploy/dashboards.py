"""The dashboards' panels and what they ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """One query of one panel, with Grafana's variables as they are."""

    dashboard: str
    panel: str
    expression: str

    def filled(self, rate_interval: str) -> str:
        """As Grafana would send it."""
        return self.expression.replace("$__rate_interval", rate_interval).replace("$budget", "0.05")


def pages(deploy: Path) -> dict[str, dict[str, Any]]:
    """The dashboards by file name."""
    return {
        path.name: json.loads(path.read_text()) for path in sorted(deploy.glob("grafana/dashboards/*.json"))
    }


def asked(deploy: Path) -> Iterator[Asked]:
    """Every query."""
    for name, page in pages(deploy).items():
        for panel in page["panels"]:
            for target in panel.get("targets", []):
                yield Asked(name, panel["title"], target["expr"])
