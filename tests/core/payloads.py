"""Raw records, and Hypothesis strategies for payloads as odd as a stream may bring."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from streamsel.codec import EventBatch
from streamsel.codec.layout import Layout


class Raw(NamedTuple):
    """One record as it came from the stream."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def raw(*values: bytes | None, start: int = 0) -> list[Raw]:
    """Records of one partition, at consecutive offsets."""
    return [Raw("events", 0, start + index, value) for index, value in enumerate(values)]


# The tame ones first: a prefix makes the fields of an ordinary stream.
KEYS = [
    *("id", "a", "b", "c", "t", "seg"),
    *("", "a.b", 'quo"te', 'end"', "col:on", '":', "é", "😀", "\0", "back\\slash"),
]

texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(['"', "\\", '\\"', '":', '","', "12", "NaN", "\u2028", "😀", "2024-05-01T00:00:00Z"]),
)
numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.floats(-1e100, 1e100),
    st.sampled_from([0, -0.0, 1e100, -1e100, 2**53 + 1, 5e-324]),
)
scalars = st.one_of(numbers, st.booleans(), st.none(), texts)
keys = st.sampled_from(KEYS)
values = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)
_COMPACT, _LOOSE = ("", "", "", ""), ("\n", "", " ", "")
spaces = st.sampled_from([_COMPACT] * 8 + [_LOOSE] * 4 + [("", " ", "", "\r"), (" ", "\n", "\t", "")])


@st.composite
def written(draw: st.DrawFn, pairs: Sequence[tuple[str, Any]]) -> bytes:
    """An object as JSON text with these pairs in order, white space and escapes as they may come."""
    escaped = draw(st.booleans())
    gaps = draw(spaces)

    def as_text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=escaped)

    members = (f"{gaps[0]}{as_text(key)}{gaps[1]}:{gaps[2]}{as_text(value)}" for key, value in pairs)
    return (gaps[3] + "{" + ",".join(members) + "}").encode("utf-8", "surrogatepass")


objects = st.lists(st.tuples(keys, values), max_size=6).flatmap(written)
"""Any object; a key may stand twice in it."""

junk = st.sampled_from(
    [
        None, b"", b" ", b"null", b"[]", b"7", b'"text"', b"{", b'{"a":1}x', b"\xff\xfe", b'{"a":"\xff"}',
        b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":1e400}', b'{"a":1,"a":2}', b'{"a" :1,"a":2}',
        b'{"a":1,"\\u0061":2}', b'{"a":1,"b":{"c":1,"c":2}}', b"\xef\xbb\xbf{}", b'{"a":01}',
        b'{"a":"\\ud800"}', b"[" * 2_000 + b"]" * 2_000, b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    ]
)  # fmt: skip


@st.composite
def alike(draw: st.DrawFn) -> tuple[list[bytes | None], list[bytes | None]]:
    """Two micro-batches as a stream brings them: the same fields in every event, but for the odd one out."""
    names = draw(st.sampled_from([KEYS[:3], KEYS[:3], KEYS[:4], KEYS[:6], KEYS]))
    plain = draw(st.sampled_from([numbers, scalars, texts]))

    def event(cells: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
        row = st.tuples(st.sampled_from(["e", "f", 7]), *[cells] * (len(names) - 1))
        return row.flatmap(lambda cells: written(list(zip(names, cells, strict=True))))

    mostly_plain = event(st.integers(0, 19).flatmap(lambda die: plain if die else values))
    before = draw(st.lists(event(plain), min_size=1, max_size=2))
    now = st.integers(0, 9).flatmap(lambda die: mostly_plain if die else objects | junk)
    return list(before), draw(st.lists(now, min_size=1, max_size=4))


layouts = st.builds(
    Layout,
    id=st.sampled_from(["id"] * 6 + ["a", "a.b"]),
    features=st.sampled_from([None, None, ["a", "b"], ["a", "b", "c"], ["a"], ["c", "a.b"]]),
    exclude=st.sampled_from([[], [], ["c"], ["b"], ["a.b"]]),
    text=st.sampled_from([None] * 6 + ["c"]),
    timestamp=st.sampled_from([None, None, "t"]),
    segments=st.sampled_from([[], [], ["seg"], ["seg", "a"]]),
    redact=st.sampled_from([[], [], ["b"], ["é"]]),
    hash=st.sampled_from([[], [], ["a"], ["seg"], ["a.b", "c"]]),
)


def same_batch(one: EventBatch, other: EventBatch) -> bool:
    """Whether two decodings are equal, the types of their values included."""
    return (
        one.records == other.records
        and one.ids == other.ids
        and _exact(one.objects) == _exact(other.objects)
        and one.table.names == other.table.names
        and _exact(one.table.rows) == _exact(other.table.rows)
        and _same_matrix(one.table.matrix, other.table.matrix)
        and one.segments == other.segments
        and list(one.letters) == list(other.letters)
    )


def _exact(value: Any) -> str:
    return repr(list(value))


def _same_matrix(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.dtype == other.dtype and np.array_equal(one, other)
