"""All dashboards as the files they are kept in."""

from __future__ import annotations

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.source import desk, lifecycle, overview, selector

UNUSED: dict[str, str] = {}
"""Metrics that no panel shows, each with the reason."""


def built() -> dict[str, str]:
    """JSON by file name."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {
        f"{page.uid}.json": f"{encoder.encode(page)}\n"
        for page in (overview.page(), selector.page(), desk.page(), lifecycle.page())
    }
