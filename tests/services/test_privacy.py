"""Redacted and hashed values in any event leave no trace in anything that is written."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from loadtest.inside.doubles import Event
from streamsel.codec import encode_dead_letter, encode_log_record, encode_query
from streamsel.codec.layout import Layout
from streamsel.services.decider import Decided
from streamsel.services.seeding import BadRow, seed_labels
from tests.services.test_decider import ALL, FixedClock, Opinion, decider

MARKER = "Wq7-geheim-Zk3"
LAYOUT = Layout(
    redact=("secret", "a.secret"),
    hash=("hashed", "a.hashed"),
    hash_key=b"0123456789abcdef",
    segments=("hashed",),
)

markers = st.sampled_from([MARKER, f"x{MARKER}", [MARKER], {"k": MARKER}, {MARKER: 1}, [[{"k": [MARKER]}]]])
harmless = st.none() | st.booleans() | st.integers(-9, 2**60) | st.text(alphabet='abc <>"\\', max_size=4)
below = st.dictionaries(st.sampled_from(["secret", "hashed"]), markers, max_size=2)
nested = st.recursive(below, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
events = st.fixed_dictionaries(
    {"p": st.floats(0.0, 1.0)},
    optional={
        "id": harmless | st.just("e1"),
        "a": nested | harmless,
        "a.secret": markers,
        "secret": markers,
        "hashed": markers,
        "b": harmless,
    },
)  # fmt: skip


def spoilt(event: dict[str, Any], how: str) -> bytes:
    """The event as JSON, whole or broken in some way."""
    payload = orjson.dumps(event)
    match how:
        case "cut":
            return payload[:-1]
        case "twice":
            return payload[:-1] + b',"secret":{"%s":1,"%s":2}}' % (MARKER.encode(), MARKER.encode())
        case "latin":
            return payload.replace(MARKER.encode(), MARKER.encode() + b"\xe9")
        case "array":
            return b"[" + payload + b"]"
        case "deep":
            return payload[:-1] + b',"a.secret":' + b"[" * 300 + b'"%s"' % MARKER.encode() + b"]" * 300 + b"}"
    return payload


def written(decided: Decided) -> bytes:
    """Everything that leaves the selector."""
    return b"\n".join(
        [
            *(value for share in decided.decisions for value in share.values),
            *map(encode_query, decided.queries),
            *map(encode_dead_letter, decided.letters),
        ]
    )


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(events, st.sampled_from(["", "", "cut", "twice", "latin", "array", "deep"])),
        min_size=1,
        max_size=4,
    )
)
def test_no_trace_in_decisions_queries_dead_letters_or_logs(
    given_events: list[tuple[dict[str, Any], str]],
) -> None:
    """Wherever a value lies, and whether its event can be read or not; and each event is one or the other."""
    records = [Event("events", 0, number, spoilt(*one)) for number, one in enumerate(given_events)]
    assume(any(MARKER.encode() in record.value for record in records))
    with capture_logs() as logs:
        decided = decider(Opinion(0.5, 0.5), LAYOUT).decide(records, ALL)
    assert decided.events + len(decided.letters) == len(records)
    assert MARKER.encode() not in written(decided)
    assert MARKER not in repr(logs)


@given(events)
def test_no_trace_in_seeded_labels(event: dict[str, Any]) -> None:
    """A labelled file goes into the label log as the stream does, and so does a complaint about it."""
    said = b""
    try:
        (label,) = seed_labels(
            [(1, {**event, "label": "yes"})],
            layout=LAYOUT,
            column="label",
            names=["no", "yes"],
            renamed={},
            seeded_by="seed",
            clock=FixedClock(),
        )
        said = encode_log_record(label)
    except BadRow as complaint:
        said = str(complaint).encode()
    assert said
    assert MARKER.encode() not in said


def test_what_a_dead_letter_keeps() -> None:
    """As admitted, of an event that is wrong in another field; nothing, of what can't be read, which is said;
    without fields to hide, what came."""
    wrong, broken = b'{"id":true,"secret":1,"hashed":"x","b":2}', b'{"b":2'
    records = [Event("events", 0, number, payload) for number, payload in enumerate((wrong, broken))]
    one, other = decider(Opinion(0.5, 0.5), LAYOUT).decide(records, ALL).letters
    assert orjson.loads(one.payload) == {"id": True, "hashed": "tqqtfbhm3kv4uhc3wh73aayrnm", "b": 2}
    assert other.payload == b""
    assert "the payload is withheld" in other.detail
    open_letters = decider(Opinion(0.5, 0.5), Layout()).decide(records, ALL).letters
    assert [letter.payload for letter in open_letters] == [wrong, broken]
