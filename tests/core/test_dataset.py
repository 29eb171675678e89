"""Labels as rows of a table, and back, through every kind of file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.adapters.dataset_file import SUFFIXES, dataset_rows, dataset_writer, replaced
from streamsel.adapters.label_file import BadFile
from streamsel.codec import Unreadable
from streamsel.codec.dataset import Column, Columns, Table, label_of
from streamsel.records import Label, Value
from streamsel.services.comparing import version_of
from tests.core.learning_strategies import label_record

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.sampled_from(["1", "true", "null", " ", "\r", '"', "a,b", "-0", "1e5"]),
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@st.composite
def labels(draw: st.DrawFn) -> Sequence[Label]:
    """A few labels with much in common: columns have values of several kinds, and gaps."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    found = []
    for number in range(draw(st.integers(1, 5))):
        label = label_record(f"l{number}", 1, "fine", draw(st.dictionaries(st.sampled_from(names), VALUES)))
        found.append(
            replace(
                label,
                labelled_by="",
                propensity=draw(st.floats(0, 1)),
                probabilities=draw(st.dictionaries(st.sampled_from(["fine", "fraud"]), st.floats(0, 1))),
                segments=draw(st.dictionaries(st.sampled_from(names), TEXTS)),
                seconds=draw(st.none() | st.floats(0, 100)),
            )
        )
    return found


def table_of(labels: Sequence[Label], *, reviewers: bool = False) -> Table:
    columns = Columns()
    for label in labels:
        columns.see(label)
    return columns.table(reviewers=reviewers)


def write(path: Path, labels: Sequence[Label]) -> Sequence[Column]:
    table = table_of(labels)
    with replaced(path) as file, dataset_writer(file, path.suffix, table.columns) as row:
        for offset, label in enumerate(labels):
            row(table.row(offset, label))
    return table.columns


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=60, deadline=None)
@given(labels=labels())
def test_every_label_comes_back_as_it_was(suffix: str, labels: Sequence[Label]) -> None:
    """Whatever its values: numbers large and small, texts that look like numbers, mixed columns, gaps."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"labels{suffix}"
        columns = write(path, labels)
        back = [label_of(row) for _, row in dataset_rows(path, columns)]
    assert list(map(version_of, back)) == list(map(version_of, labels))
    for label, other in zip(labels, back, strict=True):
        assert other.features == label.features
        assert {name: type(one) for name, one in other.features.items() if isinstance(one, bool | str)} == {
            name: type(one) for name, one in label.features.items() if isinstance(one, bool | str)
        }


def test_a_column_is_as_wide_as_its_values() -> None:
    """One type where there is one; whole numbers are numbers; what does not go together is JSON."""
    first: dict[str, Value] = {"a": True, "b": 1, "c": 1, "d": "x", "e": 1, "f": 2**60, "g": 2**60}
    second: dict[str, Value] = {"a": None, "b": 2, "c": 1.5, "d": "y", "e": "x", "f": 3, "g": 0.5}
    kinds = {
        column.name: column.kind
        for column in table_of([label_record("1", 1, "fine", one) for one in (first, second)]).columns
    }
    wanted = ["boolean", "integer", "number", "text", "json", "integer", "json"]
    assert [kinds[f"feature.{name}"] for name in "abcdefg"] == wanted


def test_the_weight_is_one_over_the_propensity() -> None:
    """And empty of a label that was not drawn. Reviewers' names are only there when asked for."""
    drawn, seed = (replace(label_record("1", 1, "fine", {}), propensity=share) for share in (0.25, 0.0))
    table = table_of([drawn, seed])
    weight = [column.name for column in table.columns].index("weight")
    assert [table.row(0, one)[weight] for one in (drawn, seed)] == [4.0, None]
    assert "labelled_by" not in {column.name for column in table.columns}
    assert "labelled_by" in {column.name for column in table_of([drawn], reviewers=True).columns}


def test_a_row_that_is_no_label_names_its_column() -> None:
    """So that whoever made the file can mend it."""
    row = {"label_id": "1", "event_id": "e", "label": "fine", "labelled_at": 1.0, "feature.a": [1]}
    with pytest.raises(Unreadable, match=r"features\.a"):
        label_of(row)
    with pytest.raises(Unreadable, match="label_id"):
        label_of({**row, "label_id": None})
    with pytest.raises(Unreadable, match="kind"):
        label_of({**row, "kind": "retraction", "revision": 1, "retracted_by": "x", "retracted_at": 1.0})


def test_a_file_is_not_there_until_it_is_whole(tmp_path: Path) -> None:
    """What fails half-way leaves what was there, and nothing beside it."""
    path = tmp_path / "labels.csv"
    path.write_text("before")
    with suppress(OSError), replaced(path) as file:
        file.write(b"half")
        raise OSError("disk full")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_cells_that_are_no_values_and_odd_columns_are_named(tmp_path: Path) -> None:
    """With the row, of a file that is not as its columns were told."""
    path = tmp_path / "labels.csv"
    path.write_text("a,b\r\nx,1\r\ny,one\r\n")
    with pytest.raises(BadFile, match=r"row 3: column 'b' is 'one'"):
        list(dataset_rows(path, [Column("a", "text"), Column("b", "integer")]))
    with pytest.raises(BadFile, match=r"row 2: column 'b'"):
        list(dataset_rows(path, [Column("a", "text")]))
