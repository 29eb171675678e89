"""Which trace an event says it belongs to: the grammar of W3C Trace Context, §3.2."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.codec import decode_log_record, decode_query, encode_log_record, encode_query
from streamsel.codec.trace_context import carried, only, trace_fields, traceparent_of
from tests.api.reviewing import query
from tests.core.learning_strategies import label_record

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def hexadecimal(digits: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=digits, max_size=digits)


trace_ids = hexadecimal(32).filter(lambda one: set(one) != {"0"})
span_ids = hexadecimal(16).filter(lambda one: set(one) != {"0"})
traceparents = st.builds("00-{}-{}-{}".format, trace_ids, span_ids, hexadecimal(2))


@given(traceparents)
def test_what_is_well_formed_is_handed_on_unchanged(traceparent: str) -> None:
    """As text, and as the bytes of a header."""
    assert traceparent_of(traceparent) == traceparent == traceparent_of(traceparent.encode())


@given(st.text() | st.binary() | st.none() | st.integers() | st.dictionaries(st.text(), st.text()))
def test_what_is_something_else_is_none(value: object) -> None:
    """And raises nothing, whatever it is."""
    assert traceparent_of(value) is None


@given(traceparents, st.integers(0, 54), st.characters())
def test_one_wrong_character_is_one_too_many(traceparent: str, place: int, character: str) -> None:
    """Anywhere: what comes of it is well-formed by itself, or is none."""
    changed = traceparent[:place] + character + traceparent[place + 1 :]
    assert traceparent_of(changed) in (
        None,
        changed,
        "00" + changed[2:53] + "00",
        "00" + changed[2:53] + "01",
    )
    assert traceparent_of(changed) is None or set(changed) <= set("0123456789abcdef-")


@pytest.mark.parametrize(
    "value",
    [
        "",
        TRACE.upper(),
        f" {TRACE}",
        f"{TRACE}\n",
        f"{TRACE}-more",
        TRACE[:-1],
        TRACE.replace("-", "_"),
        TRACE.replace("00-", "ff-", 1),
        TRACE.replace("00-", "0g-", 1),
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID}-{SPAN_ID}",
        f"cc-{TRACE_ID}-{SPAN_ID}-01more",
        f"cc-{TRACE_ID}-{SPAN_ID}-0",
        f"00-٤bf92f3577b34da6a3ce929d0e0e473-{SPAN_ID}-01",
    ],
)
def test_what_the_grammar_forbids_is_none(value: str) -> None:
    """Ids of zeros alone, version ff, upper case, anything before or behind."""
    assert traceparent_of(value) is None


@given(trace_ids, span_ids, hexadecimal(2), st.sampled_from(["", "-", "-what-the-future-will-be"]))
def test_of_a_later_version_the_known_parts_are_kept(
    trace_id: str, span_id: str, flags: str, more: str
) -> None:
    """In the form of the version known here, with the one flag whose meaning is."""
    sampled = "01" if int(flags, 16) & 1 else "00"
    assert traceparent_of(f"cc-{trace_id}-{span_id}-{flags}{more}") == f"00-{trace_id}-{span_id}-{sampled}"


def test_of_several_none_is_believed() -> None:
    """One header, in whatever case, among others; a header may be null."""
    other, null = ("origin", b"shop"), ("traceparent", None)
    assert carried([other, ("TraceParent", TRACE.encode())]) == TRACE
    assert carried([("traceparent", TRACE.encode())] * 2) is None
    assert carried([other]) is carried([null]) is carried([]) is only([]) is None


def test_a_log_line_names_trace_and_span() -> None:
    """By OpenTelemetry's names; nothing where there is no trace."""
    assert trace_fields(TRACE) == {"trace_id": TRACE_ID, "span_id": SPAN_ID}
    assert trace_fields(None) == {}


def test_queries_and_labels_keep_it() -> None:
    """Those without one are written as before there were any; what is malformed is read as none."""
    asked, answer = query(1), label_record("l1")
    traced, answered = replace(asked, traceparent=TRACE), replace(answer, traceparent=TRACE)
    assert decode_query(encode_query(traced)) == traced
    assert decode_log_record(encode_log_record(answered)) == answered
    assert b"traceparent" not in encode_query(asked) + encode_log_record(answer)
    wrongs: list[object] = ["nonsense", 7, {"odd": []}, None]
    for wrong in wrongs:
        written = json.loads(encode_query(traced)) | {"traceparent": wrong}
        assert decode_query(json.dumps(written).encode()) == asked
        written = json.loads(encode_log_record(answered)) | {"traceparent": wrong}
        assert decode_log_record(json.dumps(written).encode()) == answer
