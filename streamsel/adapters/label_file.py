"""Labelled files: .csv or .jsonl, plain or gzipped, or .parquet; one event a row."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import orjson

from streamsel.codec.layout import find

SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")
LARGEST_CELL = 10_000_000
"""Characters in a cell of a CSV file; more is most likely a quote that is never closed."""
_ROWS_AT_ONCE = 1_000
_COLUMNS_SHOWN = 20


class BadFile(Exception):
    """The file can't be used; the message names the file, the row and what was expected."""


class NoSuchColumn(ValueError):
    """A column was named that no row has. The message names those that are there."""


class NamedColumns:
    """Columns that somebody named, looked for in the rows that go by."""

    def __init__(self, path: Path, named: Iterable[str | None]) -> None:
        """``named`` may hold ``None`` for what was not named."""
        self._path = path
        self.missing = {name: None for name in named if name is not None}
        """In no row so far; in the order in which they were named."""
        self._found: dict[str, None] = {}

    def see(self, row: Mapping[str, Any]) -> None:
        """The next row."""
        if self.missing:
            self.missing = {
                name: None for name in self.missing if name not in row and find(row, name) is None
            }
            self._found.update(dict.fromkeys(row))

    def check(self) -> None:
        """Raises ``NoSuchColumn`` if there were rows, and one of them had to have a column."""
        if not self.missing or not self._found:
            return
        column, columns = next(iter(self.missing)), list(self._found)
        near = get_close_matches(column, columns, n=1)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        listed = ", ".join(columns[:_COLUMNS_SHOWN]) + (", …" if len(columns) > _COLUMNS_SHOWN else "")
        raise NoSuchColumn(f"{self._path} has no column '{column}'{hint}; it has {listed}")


def rows(path: Path, *, guess: bool = True) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row numbers, as an editor or viewer shows them, with each row as an object. Raises ``BadFile``.

    In a CSV file numbers, ``true`` and ``false`` become what they say, unless there is nothing to ``guess``
    and all cells are taken as text; an empty cell becomes a null. In a Parquet
    file NaN becomes a null, dates and times become ISO 8601 text, durations seconds and decimals floats.
    """
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise BadFile(f"{path}: the name must end in one of {', '.join(SUFFIXES)}")
    try:
        if name.endswith(".parquet"):
            yield from _parquet_rows(path)
            return
        with gzip.open(path, "rb") if name.endswith(".gz") else path.open("rb") as lines:
            yield from _csv_rows(path, lines, guess) if ".csv" in name else _json_rows(path, lines)
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(f"{path}: {error}") from None


def _json_rows(path: Path, lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise BadFile(
                f"{path}: row {number} is not JSON: {error.msg} at character {error.colno}"
            ) from None
        if not isinstance(row, dict):
            raise BadFile(f"{path}: row {number} is not a JSON object")
        yield number, row


def _csv_rows(path: Path, lines: Iterable[bytes], guess: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(_decoded(path, lines), strict=True)
    try:
        header = next(reader, None)
        if not header:
            raise BadFile(f"{path}: the file is empty; the first row must name the columns")
        if repeated := _repeated(header):
            raise BadFile(f"{path}: row 1 names column '{repeated}' twice")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise BadFile(_uneven(path, reader.line_num, header, cells))
            values = map(_cell, cells) if guess else (cell or None for cell in cells)
            yield reader.line_num, dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise BadFile(f"{path}: row {reader.line_num} is not CSV: {error}") from None


def _decoded(path: Path, lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BadFile(
                f"{path}: row {number}: byte {error.start + 1} is not UTF-8; the file must be UTF-8 text"
            ) from None


def _uneven(path: Path, number: int, header: list[str], cells: list[str]) -> str:
    said = f"{path}: row {number} has {len(cells)} cells, the header {len(header)}"
    if len(cells) < len(header):
        return f"{said}; column '{header[len(cells)]}' is the first without one"
    return f"{said}; nothing is expected after column '{header[-1]}'"


def _cell(cell: str) -> Any:
    if cell == "":
        return None
    if cell in ("true", "false"):
        return cell == "true"
    try:
        return orjson.loads(cell) if cell[0] in "-0123456789" else cell
    except orjson.JSONDecodeError:
        return cell


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow as pa  # slow to import, and needed for no other kind of file
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            if repeated := _repeated(file.schema_arrow.names):
                raise BadFile(f"{path}: column '{repeated}' stands twice")
            schema = pa.schema([field.with_type(_told_in_python(field.type)) for field in file.schema_arrow])
            number = 0
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                for row in batch.cast(schema, safe=False).to_pylist():
                    number += 1
                    yield number, {name: _plain(path, number, name, value) for name, value in row.items()}
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise BadFile(f"{path}: {error}") from None


def _told_in_python(kind: Any) -> Any:
    """The type itself, but for nanoseconds, which Python's times don't have."""
    import pyarrow as pa

    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    return {pa.duration("ns"): pa.duration("us"), pa.time64("ns"): pa.time64("us")}.get(kind, kind)


def _plain(path: Path, number: int, column: str, value: Any) -> Any:
    """A value as JSON would have it."""
    match value:
        case float():
            return None if math.isnan(value) else value
        case None | bool() | int() | str():
            return value
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return float(value)
        case dict():
            return {name: _plain(path, number, f"{column}.{name}", one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(path, number, column, one) for one in value]
    raise BadFile(
        f"{path}: row {number}: column '{column}' is {type(value).__name__}; expected a number, a boolean, "
        "text, a time, or lists and structs of these"
    )


def _repeated(names: Iterable[str]) -> str | None:
    """The first name that stood before."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
