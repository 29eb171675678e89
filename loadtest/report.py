"""Load tests as one HTML page: nothing fetched, no script, light or dark as the reader has it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from loadtest.report_charts import (
    Figures,
    burst_charts,
    growth_charts,
    latency_charts,
    soak_charts,
    throughput_charts,
)
from loadtest.report_tables import growth_table, peers_table, plain_table

SECTIONS: Mapping[str, tuple[str, str]] = {
    "throughput": (
        "Throughput and cost beside peers",
        """Each alone over the same events of one partition, medians of rounds in changing order; every
        decision is compared with what River says of the event. Slow ones get a share of the events.""",
    ),
    "latency": (
        "Latency against load",
        """From the time an event was to be sent until its decision is there, acknowledged by all replicas:
        what waits is never left out.""",
    ),
    "burst": ("A burst", "Ten times the events for a while, with reviewers at work."),
    "growth": ("Growth", "What an event, a claim or a label costs against what may grow."),
    "soak": ("A long run", "One process from the first event to the last."),
    "costs": ("What is paid for", "The service with and without each of its parts."),
    "scaling": ("Two workers", "On two partitions, beside one on one."),
    "start": ("Starting", "From the start of a process to its first decision."),
    "desk": ("The review desk", "Claims through the script alone and over HTTP."),
    "scoring": ("Scoring and selection", "On one core, without a broker."),
    "poison": ("Poison", "A stream of fuzzed events: each is decided, or set aside with its reason."),
    "lifecycle": ("The model's life", "Folding, restoring and judging models."),
    "faults": ("Faults", "Processes killed and connections cut, and what came of the events."),
}
CHARTS: Mapping[str, Callable[[Figures], list[str]]] = {
    "throughput": throughput_charts,
    "latency": latency_charts,
    "burst": burst_charts,
    "growth": growth_charts,
    "soak": soak_charts,
}
TABLES: Mapping[str, Callable[[Figures], str]] = {"throughput": peers_table, "growth": growth_table}
APART = ("scenario", "series", "machine", "valid", "why")
"""What is told in another way than as a figure."""
TABLED: Mapping[str, tuple[str, ...]] = {"throughput": ("peers", "vs", "cpu_vs"), "growth": ("tables",)}
"""What a scenario's own table holds."""


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """What ``all`` has written there, by scenario; any of them may be missing."""
    paths = {name: folder / f"{name}.json" for name in SECTIONS}
    return {name: json.loads(path.read_bytes()) for name, path in paths.items() if path.exists()}


def html(measured: Mapping[str, Figures]) -> str:
    """The page, of the scenarios that were measured."""
    sections = [_heading(measured), *(_section(name, figures) for name, figures in measured.items())]
    style = files("streamsel.backtest").joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Load tests of streamsel</title><style>{style}</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def _heading(measured: Mapping[str, Figures]) -> str:
    machine: Figures = next((figures["machine"] for figures in measured.values() if "machine" in figures), {})
    facts = " · ".join(f"{name} {value}" for name, value in machine.items() if name != "load_average")
    missing = ", ".join(name for name in SECTIONS if name not in measured)
    absent = f'<p class="faint">Not measured: {missing}.</p>' if missing else ""
    return f'<header><h1>Load tests of streamsel</h1><p class="faint">{escape(facts)}</p>{absent}</header>'


def _section(name: str, figures: Figures) -> str:
    title, says = SECTIONS[name]
    if "error" in figures:
        return f"<section><h2>{escape(title)}</h2><p>Failed: {escape(str(figures['error']))}</p></section>"
    load = figures.get("machine", figures).get("load_average")
    said = says if load is None else f"{says} The load average at the end was {load}."
    content = f"<p>{escape(said)}</p>"
    if figures.get("valid") is False:
        content += f"<p><strong>This run is not valid: {escape(str(figures.get('why', '')))}</strong></p>"
    if name in CHARTS:
        content += f'<div class="charts">{"".join(CHARTS[name](figures))}</div>'
    if name in TABLES:
        content += TABLES[name](figures)
    left_out = {*APART, *TABLED.get(name, ())}
    if plain := {key: value for key, value in figures.items() if key not in left_out}:
        content += plain_table(plain)
    return f"<section><h2>{escape(title)}</h2>{content}</section>"
