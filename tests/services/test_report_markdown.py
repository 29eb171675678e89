"""What comes from outside is text in a document and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.services.report.markdown import bullets, facts, shown, table, text

HOSTILE = [
    "<script>alert(1)</script>",
    "a | b",
    "`code` ``` fence",
    "[link](https://evil.example)",
    "![image](x)",
    "*bold* _it_ ~~no~~",
    "# heading",
    "- item",
    "1. item",
    "1) item",
    "+ item",
    "=====",
    "&lt;b&gt;",
    "one\ntwo\r\nthree\u2028four",
    "\u202eesrever",
    "\\| escaped",
    "https://evil.example www.evil.example me@evil.example",
    "$x^2$",
    "@somebody #1",
    "---",
    ":---",
]


def unescaped(markdown: str) -> str:
    """As CommonMark reads backslashes before punctuation."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_it_stands_on_one_line_and_opens_nothing(hostile: str) -> None:
    """No pipe, tag, link, code, emphasis, entity, list, heading or address that is not escaped."""
    escaped = text(hostile)
    assert "\n" not in escaped
    assert not re.search(r"(?<!\\)(?:\\\\)*[|<>`\[\]*_&#~@]", escaped)
    assert "://" not in escaped
    assert "www." not in escaped
    assert not re.match(r"[-+=:#>]|\d+[.)]", escaped)


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Co", "Cs", "Zl", "Zp"])))
def test_it_reads_as_it_was(given: str) -> None:
    """Nothing is lost but space around it."""
    assert unescaped(text(given)) == given.strip()


@given(st.text())
def test_nothing_unseen_is_left(given: str) -> None:
    """Controls, changes of direction and separators of lines are spaces."""
    assert not re.search("[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e]", text(given))


def test_a_cell_does_not_end_its_row() -> None:
    """Two columns stay two."""
    lines = table(("name", "value"), [(text("a | b"), shown("c | d"))])
    assert len(re.findall(r"(?<!\\)\|", lines[2])) == 3


def test_values_are_short() -> None:
    """What is not known is a dash; numbers have four digits; tables within one are told in a line."""
    values: list[object] = [None, [], {}, True, 0.123456, 7, "x"]
    assert [shown(one) for one in values] == ["–", "–", "–", "yes", "0.1235", "7", "x"]
    assert shown({"a|b": [1, 2.0]}) == "a\\|b: 1, 2"
    assert facts({"my_name": 1})[2] == "| my name | 1 |"
    assert bullets(["- a", "b"]) == ["- \\- a", "- b", ""]
    assert table(("a",), []) == ["None.", ""]
