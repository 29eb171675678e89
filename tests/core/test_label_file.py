"""Labelled files: every kind gives the same rows, and a bad one says which row and what was expected."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from streamsel.adapters.label_file import LARGEST_CELL, BadFile, rows

ROWS = [
    {"id": "a", "amount": 3.5, "count": 2, "new": True, "kind": None},
    {"id": "b", "amount": -1e-3, "count": None, "new": False, "kind": 'x, "y"\nz'},
]


def written(path: Path) -> Path:
    """``ROWS`` in the format of the name."""
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(ROWS), path)
        return path
    if ".csv" in path.name:
        text = 'id,amount,count,new,kind\na,3.5,2,true,\nb,-1e-3,,false,"x, ""y""\nz"\n'
    else:
        text = "".join(json.dumps(row) + "\n" for row in ROWS)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["f.csv", "f.csv.gz", "f.jsonl", "f.jsonl.gz", "F.PARQUET", "f.parquet"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    """Whatever a stream was saved as."""
    given = written(tmp_path / name.lower()).rename(tmp_path / name)
    assert [row for _, row in rows(given)] == ROWS


def test_rows_are_numbered_as_an_editor_shows_them(tmp_path: Path) -> None:
    """The header is row 1, a cell with a line break makes its row end later, an empty line counts."""
    path = tmp_path / "f.csv"
    path.write_text('a,b\n1,"x\ny"\n\n2,z\n')
    assert [number for number, _ in rows(path)] == [3, 5]


def test_what_only_parquet_knows_becomes_plain(tmp_path: Path) -> None:
    """Times as ISO 8601 text also below microseconds, durations as seconds, NaN as missing."""
    path = tmp_path / "f.parquet"
    nanoseconds = pa.array([1_700_000_000_123_456_789], pa.timestamp("ns"))
    table = pa.table(
        {
            "at": nanoseconds,
            "utc": pa.array([datetime(2024, 5, 1, tzinfo=UTC)], pa.timestamp("ns", "UTC")),
            "day": [date(2024, 5, 1)],
            "took": pa.array([timedelta(seconds=90)], pa.duration("ns")),
            "price": [Decimal("1.25")],
            "ratio": [float("nan")],
            "kind": pa.array(["x"]).dictionary_encode(),
            "nested": [{"deep": [1.0, float("nan")]}],
        }
    )
    parquet.write_table(table, path)
    ((number, row),) = rows(path)
    assert number == 1
    assert row == {
        "at": "2023-11-14T22:13:20.123456",
        "utc": "2024-05-01T00:00:00+00:00",
        "day": "2024-05-01",
        "took": 90.0,
        "price": 1.25,
        "ratio": None,
        "kind": "x",
        "nested": {"deep": [1.0, None]},
    }


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("f.txt", b"", "the name must end in one of .csv, .csv.gz, .jsonl, .jsonl.gz, .parquet"),
        ("f.csv", b"", "the first row must name the columns"),
        ("f.csv", b"a,b,a\n1,2,3\n", "row 1 names column 'a' twice"),
        ("f.csv", b"a,b\n1,2\n3\n", "row 3 has 1 cells, the header 2; column 'b' is the first without one"),
        ("f.csv", b"a,b\n1,2,3\n", "row 2 has 3 cells, the header 2; nothing is expected after column 'b'"),
        ("f.csv", b'a,b\n1,"2\n3,4\n', "row 3 is not CSV: unexpected end of data"),
        ("f.csv", b"a,b\n1,2\n3,\xe4\n", "row 3: byte 3 is not UTF-8"),
        ("f.jsonl", b'{"a": 1}\n{"a": NaN}\n', "row 2 is not JSON"),
        ("f.jsonl", b'{"a": 1}\n[1]\n', "row 2 is not a JSON object"),
        ("f.csv.gz", b"a,b\n1,2\n", "Not a gzipped file"),
        ("f.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99)[:-9], "ended before the end-of-stream"),
        ("f.jsonl.gz", gzip.compress(b"", mtime=0)[:10] + b"\x07", "invalid block type"),
        ("f.parquet", b"a,b\n1,2\n", "Parquet"),
    ],
)
def test_a_bad_file_says_which_row_and_what_was_expected(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    """In one line that begins with the file's name."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadFile) as refused:
        list(rows(path))
    assert str(refused.value).startswith(f"{path}: ")
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"a": [1.0, 2.0], "b": [None, b"\x00"]}, "row 2: column 'b' is bytes; expected a number"),
        ({"s": [{"t": b"\x00"}]}, "row 1: column 's.t' is bytes"),
    ],
)
def test_a_parquet_value_that_is_no_plain_one_is_named(
    tmp_path: Path, columns: dict[str, list[Any]], complaint: str
) -> None:
    """By row and column."""
    path = tmp_path / "f.parquet"
    parquet.write_table(pa.table(columns), path)
    with pytest.raises(BadFile, match="expected a number") as refused:
        list(rows(path))
    assert complaint in str(refused.value)


def test_a_parquet_file_that_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    """One of the two would be lost."""
    path = tmp_path / "f.parquet"
    parquet.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), path)
    with pytest.raises(BadFile, match="column 'a' stands twice"):
        list(rows(path))


def test_a_long_text_is_read_and_an_endless_one_refused(tmp_path: Path) -> None:
    """Messages may be long; a quote never closed must not swallow a huge file."""
    path = tmp_path / "f.csv"
    path.write_text('a,b\n1,"' + "x" * 200_000 + '"\n')
    assert len(next(row for _, row in rows(path))["b"]) == 200_000
    path.write_text('a,b\n1,"' + "x" * (LARGEST_CELL + 1) + '"\n')
    with pytest.raises(BadFile, match="row 2 is not CSV: field larger than field limit"):
        list(rows(path))


def test_a_file_that_cannot_be_read_is_a_bad_file(tmp_path: Path) -> None:
    """A folder with the name of a file, for one."""
    (tmp_path / "f.csv").mkdir()
    with pytest.raises(BadFile, match=r"f\.csv"):
        list(rows(tmp_path / "f.csv"))
