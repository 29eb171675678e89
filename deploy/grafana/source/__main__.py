"""Writes every dashboard."""

from __future__ import annotations

from pathlib import Path

from deploy.grafana.source.every import built

for name, content in built().items():
    Path(__file__).parents[1].joinpath("dashboards", name).write_text(content, encoding="utf-8")
