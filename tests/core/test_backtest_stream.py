"""A labelled file as a stream: the fields as the live stream has them, and what is wrong said by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamsel.adapters.label_file import BadFile, NoSuchColumn
from streamsel.backtest.stream import MOST_LABELS, Stream, load_stream

CONTENT = "id,b,a,y\nx,1,,no\ny,2,5,yes\nz,3,6,no\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.csv"


def loaded(path: Path, content: str, **options: object) -> Stream:
    path.write_text(content)
    return load_stream(path, "y", **options)  # type: ignore[arg-type]


def test_a_file_becomes_events_with_their_truth(path: Path) -> None:
    """Features by sorted names without what is missing; neither id nor label is one."""
    stream = loaded(path, CONTENT)
    assert stream.labels == ("no", "yes")
    assert stream.truth.tolist() == [0, 1, 0]
    assert stream.ids == ("x", "y", "z")
    assert [list(event.items()) for event in stream.events] == [
        [("b", 1)],
        [("a", 5), ("b", 2)],
        [("a", 6), ("b", 3)],
    ]
    assert stream.times is None
    assert stream.segments is None


def test_labels_that_are_no_text_become_text(tmp_path: Path) -> None:
    """Sorted, so that 1 and true are the positive ones."""
    path = tmp_path / "f.jsonl"
    assert loaded(path, '{"a":1,"y":1}\n{"a":2,"y":0}\n').labels == ("0", "1")
    assert loaded(path, '{"a":1,"y":true}\n{"a":2,"y":false}\n').labels == ("false", "true")


def test_a_nested_label_is_no_feature_either(tmp_path: Path) -> None:
    """It would be learned from itself."""
    path = tmp_path / "f.jsonl"
    path.write_text('{"a":1,"after":{"y":1}}\n{"a":2,"after":{"y":0}}\n')
    assert [dict(event) for event in load_stream(path, "after.y").events] == [{"a": 1}, {"a": 2}]


def test_excluded_columns_and_the_timestamp_are_no_features(path: Path) -> None:
    """As in the live stream."""
    stream = loaded(path, "id,a,b,at,y\n1,2,3,100,0\n2,3,4,101,1\n", exclude=["b"], timestamp="at")
    assert [dict(event) for event in stream.events] == [{"a": 2}, {"a": 3}]
    assert stream.times is not None
    assert stream.times.tolist() == [100.0, 101.0]


def test_segments_are_told_by_name(path: Path) -> None:
    """As text; a segment may be a feature as well."""
    stream = loaded(path, "a,shop,y\n1,7,0\n2,8,1\n", segments=["shop"])
    assert stream.segments == [{"shop": "7"}, {"shop": "8"}]


def test_without_ids_rows_are_told_by_number(path: Path) -> None:
    """Every event needs one, for its draws."""
    assert loaded(path, "a,y\n1,0\n2,1\n").ids == ("row 2", "row 3")


def test_only_as_many_rows_as_asked_for_are_read(path: Path) -> None:
    """A mistake beyond them is not looked for."""
    assert len(loaded(path, CONTENT + "z,bad\n", limit=2)) == 2


def test_time_never_goes_back(path: Path) -> None:
    """A late event, or one without a time, arrives with the one before it."""
    stream = loaded(path, "a,at,y\n1,,0\n1,105,0\n2,101,1\n3,,1\n4,110,0\n", timestamp="at")
    assert stream.times is not None
    assert stream.times.tolist() == [105.0, 105.0, 105.0, 105.0, 110.0]


@pytest.mark.parametrize(
    ("content", "options", "complaint"),
    [
        ("a,y\n1,0\n2,\n", {}, "row 3: column 'y' is missing or empty; it must hold the label"),
        (
            "a,y\n1,0\n2,0\n",
            {},
            "column 'y' must hold two or more different labels; among 2 rows there is '0'",
        ),
        ("a,y\n", {}, "among 0 rows there is none"),
        ("id,a,y\n1,1,0\n1,2,1\n", {}, "row 3: column 'id' is '1' as in row 2; it must tell events apart"),
        ("id,a,y\n1,1,0\n2.5,2,1\n", {}, "row 3: id field 'id' is 2.5"),
        ("id,y\n1,0\n2,1\n", {}, "row 2: the event has no value for any feature"),
        ("a,at,y\n1,soon,0\n2,1,1\n", {"timestamp": "at"}, "row 2: timestamp field 'at' is \"soon\""),
        ("a,at,y\n1,,0\n2,,1\n", {"timestamp": "at"}, "column 'at' has no time in any row"),
        ("a,note,y\nx,5,0\ny,b,1\n", {"text": "note"}, "row 2: text field 'note' is 5; it must be a string"),
        ("a,y\n" + "".join(f"1,{n}\n" for n in range(MOST_LABELS + 1)), {}, "has more than 200 values"),
    ],
)
def test_a_bad_file_names_row_column_and_what_was_expected(
    path: Path, content: str, options: dict[str, object], complaint: str
) -> None:
    """After the file's name."""
    with pytest.raises(BadFile) as refused:
        loaded(path, content, **options)
    assert str(refused.value).startswith(f"{path}: ")
    assert complaint in str(refused.value)


def test_a_label_that_is_no_scalar_is_refused(tmp_path: Path) -> None:
    """A list is no answer a reviewer could give."""
    with pytest.raises(BadFile, match=r"row 1: column 'y' is \[1\]"):
        loaded(tmp_path / "f.jsonl", '{"a":1,"y":[1]}\n')


@pytest.mark.parametrize(
    "options",
    [
        {"exclude": ["amuont"]},
        {"id": "amuont"},
        {"text": "amuont"},
        {"timestamp": "amuont"},
        {"segments": ["amuont"]},
    ],
)
def test_a_column_that_is_not_there_is_bad_usage(path: Path, options: dict[str, object]) -> None:
    """Else a misspelled --exclude would leave in what should be out."""
    with pytest.raises(
        NoSuchColumn, match=r"no column 'amuont' \(did you mean 'amount'\?\); it has amount, y"
    ):
        loaded(path, "amount,y\n1,0\n2,1\n", **options)


def test_a_label_column_that_is_not_there_is_bad_usage(path: Path) -> None:
    """With the columns there are."""
    path.write_text(CONTENT)
    with pytest.raises(NoSuchColumn, match="no column 'fraud'; it has id, b, a, y"):
        load_stream(path, "fraud")
