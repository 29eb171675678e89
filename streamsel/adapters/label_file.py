"""Labelled files: .csv or .jsonl, plain or gzipped, one event a row."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz")


class BadFile(Exception):
    """The file can't be used; the message names the file, the row and what was expected."""


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row numbers, as an editor shows them, with each row as an object. Raises ``BadFile``.

    In a CSV file numbers, ``true`` and ``false`` become what they say, an empty cell a null.
    """
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise BadFile(f"{path}: the name must end in one of {', '.join(SUFFIXES)}")
    try:
        with gzip.open(path, "rb") if name.endswith(".gz") else path.open("rb") as binary:
            if ".csv" in name:
                yield from _csv_rows(path, io.TextIOWrapper(binary, encoding="utf-8-sig", newline=""))
            else:
                yield from _json_rows(path, binary)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{path}: {error}") from None


def _json_rows(path: Path, lines: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise BadFile(f"{path}: row {number} is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise BadFile(f"{path}: row {number} is not a JSON object")
        yield number, row


def _csv_rows(path: Path, text: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(text, strict=True)
    header = next(reader, None)
    if not header:
        raise BadFile(f"{path}: the file is empty; the first row must name the columns")
    if len(set(header)) != len(header):
        raise BadFile(f"{path}: row 1 names a column twice")
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(header):
            raise BadFile(f"{path}: row {reader.line_num} has {len(cells)} cells, the header {len(header)}")
        yield reader.line_num, {name: _cell(cell) for name, cell in zip(header, cells, strict=True)}


def _cell(cell: str) -> Any:
    if cell == "":
        return None
    if cell in ("true", "false"):
        return cell == "true"
    try:
        return orjson.loads(cell) if cell[0] in "-0123456789" else cell
    except orjson.JSONDecodeError:
        return cell
