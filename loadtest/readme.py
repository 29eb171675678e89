"""The README's table of figures, from measured objects alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtest.page import measured_on
from loadtest.peers.known import PEERS
from loadtest.whole import failed

Figures = Mapping[str, Any]

ROWS = (
    (
        "latency",
        "produce to decision at {share_of_maximum:.0%} of the most: p50; p99",
        "{p50_ms:.1f} ms; {p99_ms:.1f} ms",
    ),
    ("latency", "its p99 over a bare echo's, by events a second", "{echo}"),
    (
        "burst",
        "ten times the events for a while: lost; decided twice; until latency is back",
        "{lost}; {doubled}; {seconds_until_latency_is_back} s",
    ),
    (
        "soak",
        "{events:,} events: lost; growth of memory; slowdown",
        "{lost}; {memory_growth:.1%}; {slowdown:.1%}",
    ),
    ("scaling", "CPU an event of two workers on two partitions, over one's", "{cpu_ratio:.2f}"),
    (
        "start",
        "from start to first decision: on an empty log; after kill -9 with {labels:,} labels",
        "{cold_seconds:.1f} s; {after_kill_seconds:.1f} s",
    ),
    (
        "desk",
        "claims a second with {waiting:,} queries waiting; p99; over HTTP with their labels; p99",
        "{claims_per_second:,}; {claim_p99_ms:.0f} ms; {http_claims_per_second:,}; {http_p99_ms:.0f} ms",
    ),
    (
        "scoring",
        "µs an event for utility and gate; events a second by `portfolio`",
        "{gate_us}; {portfolio_events_per_second:,}",
    ),
    (
        "lifecycle",
        "labels folded a second; restored from a snapshot in; digests that differed",
        "{fold_labels_per_second:,}; {restore_seconds} s; {digest_divergences}",
    ),
    (
        "faults",
        "{kills} kills, {crash_points} crash points: labels lost; doubled; events undecided; queries doubled",
        "{labels_lost}; {labels_doubled}; {events_undecided}; {queries_doubled}",
    ),
)


def figures_section(measured: Mapping[str, Figures]) -> str:
    """What counts of what was measured, with the machine. Raises ``ValueError`` when nothing does."""
    counted = {name: figures for name, figures in measured.items() if not failed(figures)}
    if not counted:
        raise ValueError("no scenario has figures that count")
    parts = [_beside(counted["throughput"])] if "throughput" in counted else []
    rows = [
        f"| {name.format(**shown)} | {figures.format(**shown)} |"
        for scenario, name, figures in ROWS
        if scenario in counted and (shown := _shown(counted[scenario]))
    ]
    if rows:
        parts.append("\n".join(["| | |", "| --- | --- |", *rows]))
    machine = next((one["machine"] for one in counted.values() if "machine" in one), None)
    if machine is not None:
        parts.append(measured_on(machine))
    return "\n\n".join(parts)


def _shown(figures: Figures) -> Figures:
    ratios = figures.get("vs_echo_p99", {})
    return {**figures, "echo": "; ".join(f"{int(rate):,}: {ratio:.2f}" for rate, ratio in ratios.items())}


def _beside(figures: Figures) -> str:
    ours = f"{figures['events_per_second']:,} | | {figures['cpu_us_per_event']:.1f} | |"
    title = f"{figures['events']:,} transactions of 15 features, one partition, median of {figures['rounds']}"
    lines = [
        f"| {title} | events a second | our rate / theirs | CPU µs an event | our CPU / theirs |",
        "| --- | --- | --- | --- | --- |",
        f"| **streamsel**, all of it | {ours}",
    ]
    for name, peer in figures["peers"].items():
        called = f"{PEERS[name].title} {peer['version']}"
        if "error" in peer:
            lines.append(f"| {called} | did not run: {peer['error'].splitlines()[0]} | | | |")
        else:
            lines.append(
                f"| {called} | {peer['events_per_second']:,} | {figures['vs'][name]:.2f} "
                f"| {peer['cpu_us_per_event']:.1f} | {figures['cpu_vs'][name]:.2f} |"
            )
    return "\n".join(lines)
