"""Datasets as files: Parquet, JSON lines or CSV by the name's ending. The same rows give the same bytes."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, TypeAlias

import orjson

from streamsel.adapters.label_file import BadFile, rows
from streamsel.codec.dataset import Column, Row
from streamsel.records import Value

SUFFIXES = (".parquet", ".jsonl", ".csv")
_ROWS_A_GROUP = 10_000
"""Of a Parquet file, and in memory at once."""

Write: TypeAlias = Callable[[Row], None]


@contextmanager
def replaced(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes its name, durably, when all is written; until then, and if anything
    fails, what has that name stays as it is."""
    with ExitStack() as stack:
        file = stack.enter_context(
            NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False)
        )
        new = Path(file.name)
        stack.callback(new.unlink, missing_ok=True)
        yield file
        file.flush()
        os.fsync(file.fileno())
        new.replace(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


@contextmanager
def dataset_writer(file: IO[bytes], kind: str, columns: Sequence[Column]) -> Iterator[Write]:
    """Takes the rows one by one. ``kind`` is one of ``SUFFIXES``."""
    match kind:
        case ".jsonl":
            names = [column.name for column in columns]
            yield lambda row: _write_line(file, dict(zip(names, row, strict=True)))
        case ".csv":
            yield _csv_writer(file, columns)
        case _:
            with _parquet_writer(file, columns) as write:
                yield write


def dataset_rows(path: Path, columns: Sequence[Column] | None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Row numbers and rows of a dataset. ``columns`` as its manifest tells them; ``None``: without a
    manifest, the cells are taken for what they look like. Raises ``BadFile``."""
    if columns is None:
        yield from rows(path)
        return
    is_text, is_lines = path.name.endswith(".csv"), path.name.endswith(".jsonl")
    told = {column.name: column.kind for column in columns}
    for number, row in rows(path, guess=not is_text):
        if row.keys() != told.keys():
            odd = min(row.keys() ^ told.keys())
            raise BadFile(f"{path}: row {number}: column '{odd}' is not in both the file and its manifest")
        if is_lines:
            yield number, row
            continue
        cells = dict(row)
        for name, kind in told.items():
            if cells[name] is not None and (kind == "json" or (is_text and kind != "text")):
                cells[name] = _loaded(path, number, name, cells[name])
        yield number, cells


def _loaded(path: Path, number: int, name: str, cell: Any) -> Any:
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        raise BadFile(f"{path}: row {number}: column '{name}' is {cell!r}, which is no value") from None


def _write_line(file: IO[bytes], content: Mapping[str, Value]) -> None:
    file.write(orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE))


def _csv_writer(file: IO[bytes], columns: Sequence[Column]) -> Write:
    writer = csv.writer(_Encoded(file), lineterminator="\r\n")  # so both are quoted in a cell
    writer.writerow([column.name for column in columns])
    plain = [column.kind == "text" for column in columns]

    def write(row: Row) -> None:
        writer.writerow(
            [
                "" if cell is None else cell if text else orjson.dumps(cell).decode()
                for cell, text in zip(row, plain, strict=True)
            ]
        )

    return write


class _Encoded:
    """What the csv module writes text to."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode())


@contextmanager
def _parquet_writer(file: IO[bytes], columns: Sequence[Column]) -> Iterator[Write]:
    import pyarrow as pa  # slow to import, and needed for no other kind of file
    from pyarrow import parquet

    types = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
    schema = pa.schema([(column.name, types.get(column.kind, pa.string())) for column in columns])
    as_json = [index for index, column in enumerate(columns) if column.kind == "json"]
    waiting: list[Row] = []
    with parquet.ParquetWriter(file, schema, version="2.6", compression="zstd") as writer:

        def flush() -> None:
            cells = list(zip(*waiting, strict=True))
            arrays = [pa.array(values, kind) for values, kind in zip(cells, schema.types, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=_ROWS_A_GROUP)
            waiting.clear()

        def write(row: Row) -> None:
            cells = list(row)
            for index in as_json:
                if cells[index] is not None:
                    cells[index] = orjson.dumps(cells[index]).decode()
            waiting.append(cells)
            if len(waiting) == _ROWS_A_GROUP:
                flush()

        yield write
        if waiting:
            flush()
