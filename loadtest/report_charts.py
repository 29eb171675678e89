"""The charts of a report on load tests, each from the figures of one scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from streamsel.backtest.plots import Axis, Line, chart

Figures = Mapping[str, Any]

BAR_HEIGHT, BAR_LEFT, BAR_WIDTH, BAR_RIGHT = 26, 170, 270, 80
AGAINST_LOAD = (50.0, 99.0, 99.9)
"""Percentiles whose course over the rates is drawn."""


def throughput_charts(figures: Figures) -> list[str]:
    """Ours first, then the peers, the fastest at the top; a peer that did not run has no bar."""
    ran = {name: peer for name, peer in figures["peers"].items() if "error" not in peer}
    rows = {"streamsel": figures, **dict(sorted(ran.items(), key=lambda one: -one[1]["events_per_second"]))}
    return [
        bars("Events a second", {name: float(one["events_per_second"]) for name, one in rows.items()}),
        bars("CPU µs an event", {name: float(one["cpu_us_per_event"]) for name, one in rows.items()}),
    ]


def bars(title: str, values: Mapping[str, float]) -> str:
    """Horizontal bars from 0, the first as ours; SVG as in ``plots``."""
    width, height = BAR_LEFT + BAR_WIDTH + BAR_RIGHT, BAR_HEIGHT * len(values)
    most = max(values.values())
    parts = []
    for row, (name, value) in enumerate(values.items()):
        middle, length = BAR_HEIGHT * row + BAR_HEIGHT / 2, BAR_WIDTH * value / most
        parts.append(
            f'<text x="{BAR_LEFT - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="dot tone-{0 if row == 0 else 2}" x="{BAR_LEFT}" y="{middle - 8:.1f}" '
            f'width="{max(length, 1.0):.1f}" height="16"/>'
            f'<text x="{BAR_LEFT + length + 6:.1f}" y="{middle + 4:.1f}">'
            f"{value:,.{0 if value >= 100 else 1}f}</text>"
        )
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg></figure>'
    )


def latency_charts(figures: Figures) -> list[str]:
    """The whole distribution at each rate, and some percentiles over the rates."""
    series = {float(rate): points for rate, points in figures["series"]["percentiles"].items()}
    rates = sorted(series)
    return [
        chart(
            "Latency by rarity: one event in so many takes longer",
            Axis("events (10 is the 90th percentile, 1,000 the 99.9th)", logarithmic=True),
            Axis("ms"),
            [
                Line(f"{rate:,.0f} events a second", *_rarities(series[rate]), tone)
                for tone, rate in enumerate(rates)
            ],
        ),
        chart(
            "Latency against load",
            Axis("events a second", logarithmic=True),
            Axis("ms"),
            [
                Line(
                    f"p{percent:g}", rates, [_at(series[rate], percent) for rate in rates], tone, marked=True
                )
                for tone, percent in enumerate(AGAINST_LOAD)
            ],
        ),
    ]


def burst_charts(figures: Figures) -> list[str]:
    """The reviewers' backlog, and latencies where they were kept."""
    series, seconds = figures["series"], Axis("seconds")
    charts = [
        chart("Backlog through a burst", seconds, Axis("queries"), [_area("backlog", series["backlog"])])
    ]
    if "latency" in series:
        charts.append(
            chart("Latency through a burst, p99", seconds, Axis("ms"), [_area("p99", series["latency"])])
        )
    return charts


def soak_charts(figures: Figures) -> list[str]:
    """Memory from 0, so that what looks level is level."""
    memory = _area("resident memory", figures["series"]["memory"])
    return [chart("Memory over a soak", Axis("events"), Axis("MiB"), [memory])]


def growth_charts(figures: Figures) -> list[str]:
    """Cost over size, each dimension by itself, from 0."""
    return [
        chart(
            f"Cost by {name}",
            Axis(name, logarithmic=True),
            Axis(table["unit"]),
            [_area(table["unit"], sorted((float(size), cost) for size, cost in table["costs"].items()))],
        )
        for name, table in figures["tables"].items()
    ]


def _rarities(points: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    """One in how many, and their milliseconds; the 100th percentile is one in all, however many they were."""
    below = [(percent, ms) for percent, ms in points if percent < 100.0]
    return [1.0 / (1.0 - percent / 100.0) for percent, _ in below], [ms for _, ms in below]


def _at(points: Sequence[Sequence[float]], percent: float) -> float:
    return next((ms for one, ms in points if one == percent), float("nan"))


def _area(name: str, points: Sequence[Sequence[float]]) -> Line:
    x, y = [point[0] for point in points], [point[1] for point in points]
    return Line(name, x, y, 0, low=[0.0] * len(y), high=y)
