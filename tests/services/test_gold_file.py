"""Files of events whose answers are known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.label_file import rows
from streamsel.codec import query_id_of
from streamsel.codec.layout import Layout
from streamsel.ports import GoldQuery
from streamsel.services.gold import gold_queries
from streamsel.services.seeding import BadRow

NAMES = ("fine", "fraud")
FILES = {
    "gold.csv": "id,amount,note,answer\na,12.5,hello,fraud\nb,3,,fine\n",
    "gold.jsonl": '{"id": "a", "amount": 12.5, "note": "hello", "answer": "fraud"}\n'
    '{"id": "b", "amount": 3, "answer": "fine"}\n',
}


def read(path: Path, **layout: Any) -> list[GoldQuery]:
    return gold_queries(
        rows(path),
        layout=Layout(id="id", **layout),
        column="answer",
        names=NAMES,
        clock=SystemClock(),
        topic="events",
    )


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_a_question_with_its_answer(tmp_path: Path, name: str) -> None:
    """In the file's order; the answer is no part of what a reviewer sees."""
    path = tmp_path / name
    path.write_text(FILES[name])
    first, second = read(path, features=["amount"])
    assert (first.query.event_id, first.expected) == ("a", "fraud")
    assert (second.query.event_id, second.expected) == ("b", "fine")
    assert first.query.features == {"amount": 12.5}
    assert first.query.context["note"] == "hello"
    assert "answer" not in {*first.query.features, *first.query.context}
    assert "fraud" not in {*first.query.features.values(), *first.query.context.values()}


def test_a_question_is_told_apart_from_its_event_and_looks_like_exploration(tmp_path: Path) -> None:
    """The event may come by in the stream as well; read anew, a question is the same."""
    path = tmp_path / "gold.csv"
    path.write_text(FILES["gold.csv"])
    first, _ = read(path)
    again, _ = read(path)
    assert first.query.query_id == again.query.query_id != query_id_of("a")
    assert len(first.query.query_id) == len(query_id_of("a"))
    assert first.query.lane == "explore"
    assert first.query.probabilities == {}


def test_a_question_without_an_id_is_called_as_an_event_without_one(tmp_path: Path) -> None:
    """By where it might have come from, the same each time; questions that differ are called differently."""
    path = tmp_path / "gold.csv"
    path.write_text("amount,answer\n12.5,fraud\n3,fine\n")
    first, second = read(path)
    assert re.fullmatch(r"events:0:\d+", first.query.event_id)
    assert first.query.event_id != second.query.event_id
    assert [one.query.query_id for one in read(path)] == [first.query.query_id, second.query.query_id]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("id,amount\na,1\n", "row 2: column 'answer' is missing or empty; it must hold the known answer"),
        ("id,x,answer\na,1,fine\nb,2,\n", "row 3: column 'answer' is missing or empty"),
        (
            "id,answer\na,perhaps\n",
            "row 2: column 'answer' is 'perhaps', which is none of the labels fine, fraud",
        ),
        ("id,x,answer\na,1,fine\nb,1,fine\na,2,fraud\n", "row 4: event 'a' stood in row 2 already"),
        ("id,answer\na,fine\n", "row 2: the event has no value for any feature"),
    ],
)
def test_a_bad_row_is_named_with_its_field(tmp_path: Path, lines: str, complaint: str) -> None:
    """By the number an editor shows."""
    path = tmp_path / "gold.csv"
    path.write_text(lines)
    with pytest.raises(BadRow) as refused:
        read(path)
    assert str(refused.value).startswith(complaint)
