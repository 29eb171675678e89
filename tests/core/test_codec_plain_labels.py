"""Labels read at once are those that are read field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.codec import Unreadable, decode_log_record, encode_log_record
from streamsel.codec.plain_labels import plain_label
from streamsel.codec.records import LABEL_SOURCES, LANES
from streamsel.records import Label
from tests.core.learning_strategies import label_record

TEXTS = st.text(max_size=5)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
LABELS = st.builds(
    Label,
    label_id=TEXTS,
    revision=st.integers(-(2**63), 2**63),
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
)


@given(label=LABELS)
def test_a_label_written_here_is_read_at_once(label: Label) -> None:
    """To the same, its features by sorted names."""
    content = orjson.loads(encode_log_record(label))
    read = plain_label(content, LABEL_SOURCES, LANES)
    assert read == label
    assert read is not None
    assert list(read.features) == sorted(label.features)


CONTENT: Mapping[str, Any] = orjson.loads(encode_log_record(label_record("a")))
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    FINITE,
    TEXTS,
    st.just({"x": []}),
    st.just({"b": 1, "a": 2.0}),
)


@given(field=st.sampled_from(sorted(CONTENT)), value=ODD)
def test_any_other_is_left_to_be_read_field_by_field(field: str, value: Any) -> None:
    """What is read at once is what is read then; and what can't be read is refused by its name."""
    content = {**CONTENT, field: value}
    reordered = dict(reversed(content.items()))
    assert plain_label(reordered, LABEL_SOURCES, LANES) is None
    try:
        slowly = decode_log_record(reordered)
    except Unreadable:
        with pytest.raises(Unreadable, match=field):
            decode_log_record(content)
    else:
        assert decode_log_record(content) == slowly
