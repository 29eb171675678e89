"""The tables of a report on load tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from loadtest.report_charts import Figures

PEER_HEADS = (
    "peer",
    "events",
    "events/s",
    "CPU µs/event",
    "peak MiB",
    "our rate / theirs",
    "our CPU / theirs",
)


def peers_table(figures: Figures) -> str:
    """Who ran beside us, and who did not and why."""
    rows: list[Sequence[str]] = []
    for name, peer in figures["peers"].items():
        first = f"{name} {peer['version']}"
        if "error" in peer:
            rows.append((first, written(peer["events"]), peer["error"], "", "", "", ""))
        else:
            shown = (peer[key] for key in ("events", "events_per_second", "cpu_us_per_event", "peak_mib"))
            ratios = (figures["vs"][name], figures["cpu_vs"][name])
            rows.append((first, *map(written, (*shown, *ratios))))
    return _table(PEER_HEADS, rows)


def growth_table(figures: Figures) -> str:
    """A line for everything that may grow."""
    rows = [
        (
            name,
            one["unit"],
            ", ".join(f"{written(float(size))}: {written(cost)}" for size, cost in one["costs"].items()),
            *(
                written(one[key]) if key in one else ""
                for key in ("per_unit", "exponent", "verdict", "share", "full_at_per_second")
            ),
        )
        for name, one in figures["tables"].items()
    ]
    return _table(
        [
            "grows",
            "unit",
            "cost by size",
            "slope",
            "exponent",
            "verdict",
            "came with the size",
            "most a second",
        ],
        rows,
    )


def plain_table(figures: Figures) -> str:
    """Every other figure, by its name."""
    return _table(["figure", ""], [(name, written(value)) for name, value in _flat(figures)])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """With the first cell of each row as its heading."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = ""
    for first, *others in rows:
        cells = "".join(f"<td>{escape(one)}</td>" for one in others)
        body += f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>'
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="figures"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _flat(figures: Figures, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no mapping, under the names on the way to it."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name} · ")
        else:
            yield f"{before}{name}", value


def written(value: object) -> str:
    """Numbers with separators and four digits that tell; a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ", ".join(map(written, value)) if isinstance(value, list) else str(value)
    if isinstance(value, int) or abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.4g}"
