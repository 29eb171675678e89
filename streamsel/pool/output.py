"""The events picked, with all that stands in their rows, for a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from streamsel.adapters.label_file import rows
from streamsel.pool.picking import Pick
from streamsel.pool.table import Pool

OURS = "streamsel"
"""What stands in a row for the pick; in a CSV file before a dot in the names of its columns."""


def originals(pool: Pool, picks: Sequence[Pick]) -> list[Mapping[str, Any]]:
    """The rows of the picks as they stand in the file, in the order of the picks."""
    wanted = {pool.numbers[one.row] for one in picks}
    found = {number: row for number, row in rows(pool.path) if number in wanted} if wanted else {}
    return [found[pool.numbers[one.row]] for one in picks]


def write(path: Path, pool: Pool, picks: Sequence[Pick], objects: Sequence[Mapping[str, Any]]) -> None:
    """One line a pick, in the order to ask in, as ``path`` ends in ``.csv`` or not."""
    lines = [
        dict(row) | {OURS: _told(pool, one, place)}
        for place, (one, row) in enumerate(zip(picks, objects, strict=True), start=1)
    ]
    if path.suffix == ".csv":
        path.write_text(_csv(lines), encoding="utf-8", newline="")
    else:
        path.write_bytes(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))


def _told(pool: Pool, one: Pick, place: int) -> dict[str, Any]:
    return {
        "rank": place,
        "row": pool.numbers[one.row],
        "id": pool.ids[one.row],
        "utility": one.utility,
        "lane": one.lane,
        "rules": list(one.rules),
        "probabilities": dict(one.probabilities),
    }


def _csv(lines: Sequence[Mapping[str, Any]]) -> str:
    flat = [_flat(line) for line in lines]
    content = io.StringIO()
    writer = csv.DictWriter(content, dict.fromkeys(name for line in flat for name in line))
    writer.writeheader()
    writer.writerows(flat)
    return content.getvalue()


def _flat(line: Mapping[str, Any]) -> dict[str, Any]:
    ours = {f"{OURS}.{name}": value for name, value in line[OURS].items()}
    cells = {name: value for name, value in line.items() if name != OURS} | ours
    return {
        name: orjson.dumps(value).decode() if isinstance(value, dict | list | bool) else value
        for name, value in cells.items()
    }
