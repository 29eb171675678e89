"""Queries read at once are those that are read field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.codec import Unreadable, decode_query, encode_query, query_of
from streamsel.codec.plain_queries import plain_query
from streamsel.records import LANES, Query
from tests.core.test_codec_plain_labels import FINITE, ODD, TEXTS
from tests.core.test_codec_records import QUERY
from tests.core.test_trace_context import traceparents

VALUES = st.dictionaries(
    TEXTS, st.one_of(st.none(), FINITE, st.integers(-9, 9), st.booleans(), TEXTS), max_size=4
)
QUERIES = st.builds(
    Query,
    query_id=TEXTS,
    event_id=TEXTS,
    lane=st.sampled_from(LANES),
    propensity=FINITE,
    utility=FINITE,
    probabilities=st.dictionaries(TEXTS, FINITE, max_size=3),
    model_version=st.integers(0, 2**53),
    decided_at=FINITE,
    features=VALUES,
    context=VALUES,
    timestamp=st.none() | FINITE,
    segments=st.dictionaries(TEXTS, TEXTS, max_size=2),
    rules=st.lists(TEXTS, max_size=2).map(tuple),
    contributions=st.dictionaries(TEXTS, FINITE, max_size=2),
    traceparent=st.none() | traceparents,
)
CONTENT: Mapping[str, Any] = orjson.loads(encode_query(QUERY))


@given(query=QUERIES)
def test_a_query_written_here_is_read_at_once(query: Query) -> None:
    """To the same, by itself and within its decision; its features and context by sorted names."""
    content = encode_query(query)
    read = plain_query(content)
    assert read == query == query_of(b'{"kind":"decision","lane":"rule","query":' + content + b"}")
    assert read is not None
    assert list(read.features) == sorted(query.features)
    assert list(read.context) == sorted(query.context)


@given(field=st.sampled_from([*sorted(CONTENT), "traceparent", "another"]), value=ODD)
def test_any_other_is_left_to_be_read_field_by_field(field: str, value: Any) -> None:
    """What is read at once is what is read then; and what can't be read is refused by its name."""
    assert_read_alike(orjson.dumps({**CONTENT, field: value}))


@given(field=st.sampled_from(sorted(CONTENT)))
def test_a_query_without_a_field_is_left_to_be_read_field_by_field(field: str) -> None:
    """Of some fields it is known what is meant when they are not there."""
    assert_read_alike(orjson.dumps({name: value for name, value in CONTENT.items() if name != field}))


@pytest.mark.parametrize("content", [b'{"another":"\xff",%s', b"{%s]", b"[{%s]", b'{"another":1e999,%s', b""])
def test_what_is_no_json_is_read_by_nobody(content: bytes) -> None:
    """Not even where what is wrong is in a field that is not looked at."""
    whole = orjson.dumps(CONTENT)[1:]
    assert_read_alike(content % whole if b"%s" in content else content)


def test_a_decision_not_to_ask_has_no_query() -> None:
    """Whatever else it holds; one whose query can't be read is refused by the field."""
    assert query_of(b'{"kind":"decision","lane":"none"}') is None
    with pytest.raises(Unreadable, match="field 'event_id' is missing"):
        query_of(b'{"kind":"decision","lane":"rule","query":{}}')


def assert_read_alike(content: bytes) -> None:
    """At once, and field by field once JSON is read."""
    try:
        slowly = decode_query(orjson.loads(content))
    except orjson.JSONDecodeError:
        with pytest.raises(Unreadable, match="not JSON"):
            decode_query(content)
    except Unreadable as error:
        with pytest.raises(Unreadable, match=re.escape(str(error))):
            decode_query(content)
    else:
        read = decode_query(content)
        assert read == slowly
        assert list(read.features.items()) == list(slowly.features.items())
        assert list(read.context.items()) == list(slowly.context.items())
