"""The tables of growth as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NAMED: Mapping[str, str] = {
    "features": "features",
    "payload": "bytes of an event",
    "classes": "labels to choose from",
    "window": "window",
    "rules": "rules",
    "backlog": "queries waiting",
    "history": "labels in the log",
    "partitions": "partitions of one process",
}

WHAT = """CPU alone, so that other work on the machine bears on it little: of the selector's thread for an
event, decoded, scored, gated and encoded (over partitions of the whole process, with the broker's clients);
of the store's thread for a claim; of the folding thread for a label."""

FULL: Mapping[str, str] = {
    "µs an event": "a selector is busy throughout at {:,} events a second",
    "µs a claim": "the store is busy throughout at {:,} claims a second",
    "µs a label": "the fold is busy throughout at {:,} labels a second",
}
"""What is reached first, by what a table counts."""


def growth_page(figures: Mapping[str, Any]) -> str:
    """All of it as Markdown."""
    tables = figures["tables"]
    lines = [WHAT, ""]
    for name, table in tables.items():
        lines += _table(NAMED[name], table)
    history = tables["history"]
    lines += [
        "| labels | folded from the beginning, s | bytes a label | restored from a snapshot, s | MiB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for labels in _sizes([*history["fold_seconds"], *history["restore_seconds"]]):
        cells = [
            history[column].get(labels, "")
            for column in ("fold_seconds", "bytes_per_label", "restore_seconds", "restore_mib")
        ]
        lines.append(f"| {int(labels):,} | " + " | ".join(map(str, cells)) + " |")
    lines += ["", "| preset | µs an event |", "| --- | --- |"]
    lines += [f"| `{preset}` | {us} |" for preset, us in figures["models"].items()]
    return "\n".join(lines)


def _table(named: str, table: Mapping[str, Any]) -> Sequence[str]:
    sizes = " | ".join(f"{int(size):,}" for size in table["costs"])
    costs = " | ".join(f"{cost:g}" for cost in table["costs"].values())
    slope = (
        f"One more adds {table['per_unit']:g} µs; cost grows with the size to the power of "
        f"{table['exponent']:g}: {table['verdict']}. At the largest size {100 * table['share']:.0f} % of "
        f"the cost came with it, and {FULL[table['unit']].format(table['full_at_per_second'])}."
    )
    return [
        f"| {named} | {sizes} |",
        "| --- |" + " --- |" * len(table["costs"]),
        f"| {table['unit']} | {costs} |",
        "",
        slope,
        "",
    ]


def _sizes(sizes: Sequence[str]) -> Sequence[str]:
    return sorted(set(sizes), key=int)
