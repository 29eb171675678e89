"""Labels read at once are those that are read field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.codec import Unreadable, decode_log_record, encode_log_record
from streamsel.codec.plain_labels import plain_label
from streamsel.codec.records import LABEL_SOURCES
from streamsel.records import LANES, Label
from tests.core.learning_strategies import label_record
from tests.core.test_trace_context import TRACE, traceparents

TEXTS = st.text(max_size=5)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
LABELS = st.builds(
    Label,
    label_id=TEXTS,
    revision=st.integers(-(2**63), 2**63 - 1),
    event_id=TEXTS,
    label=TEXTS,
    source=st.sampled_from(LABEL_SOURCES),
    labelled_by=TEXTS,
    labelled_at=FINITE,
    features=st.dictionaries(
        TEXTS, st.one_of(st.none(), FINITE, st.integers(-9, 9), st.booleans(), TEXTS), max_size=4
    ),
    query_id=st.none() | TEXTS,
    lane=st.sampled_from(LANES),
    propensity=FINITE,
    probabilities=st.dictionaries(TEXTS, FINITE, max_size=3),
    model_version=st.integers(0, 2**53),
    decided_at=st.none() | FINITE,
    segments=st.dictionaries(TEXTS, TEXTS, max_size=2),
    seconds=st.none() | FINITE,
    traceparent=st.none() | traceparents,
)


@given(label=LABELS)
def test_a_label_written_here_is_read_at_once(label: Label) -> None:
    """To the same, its features by sorted names."""
    read = plain_label(encode_log_record(label))
    assert read == label
    assert read is not None
    assert list(read.features) == sorted(label.features)


CONTENT: Mapping[str, Any] = orjson.loads(encode_log_record(replace(label_record("a"), traceparent=TRACE)))
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from((2**63, -(2**63), 2**64 - 1)),
    FINITE,
    TEXTS,
    st.just({"x": []}),
    st.just({"b": 1, "a": 2.0}),
)


@given(field=st.sampled_from([*sorted(CONTENT), "another"]), value=ODD)
def test_any_other_is_left_to_be_read_field_by_field(field: str, value: Any) -> None:
    """What is read at once is what is read then; and what can't be read is refused by its name."""
    assert_read_alike(orjson.dumps({**CONTENT, field: value}))


@given(field=st.sampled_from(sorted(CONTENT)))
def test_a_label_without_a_field_is_left_to_be_read_field_by_field(field: str) -> None:
    """Of some fields it is known what is meant when they are not there."""
    assert_read_alike(orjson.dumps({name: value for name, value in CONTENT.items() if name != field}))


@pytest.mark.parametrize(
    "content",
    [
        b'{"another":"\xff",%s',
        b'{"another":1e999,%s',
        b'{"label":"\xff",%s',
        b'{"another":"\\ud800",%s',
        b"{%s]",
        b"\xef\xbb\xbf{%s",
        b"[{%s]",
        b"",
    ],
)
def test_what_is_no_json_is_read_by_nobody(content: bytes) -> None:
    """Not even where what is wrong is in a field that is not looked at."""
    whole = orjson.dumps(CONTENT)[1:]
    assert_read_alike(content % whole if b"%s" in content else content)


def assert_read_alike(content: bytes) -> None:
    """At once, and field by field once JSON is read."""
    try:
        slowly = decode_log_record(orjson.loads(content))
    except orjson.JSONDecodeError:
        with pytest.raises(Unreadable, match="not JSON"):
            decode_log_record(content)
    except Unreadable as error:
        with pytest.raises(Unreadable, match=re.escape(str(error))):
            decode_log_record(content)
    else:
        read = decode_log_record(content)
        assert read == slowly
        assert isinstance(read, Label)
        assert isinstance(slowly, Label)
        assert list(read.features.items()) == list(slowly.features.items())
