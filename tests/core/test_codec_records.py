"""Queries, labels, opinions, retractions and dead letters as JSON that a later release can still read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.codec import (
    Unreadable,
    decode_dead_letter,
    decode_log_record,
    decode_query,
    encode_dead_letter,
    encode_log_record,
    encode_query,
    query_id_of,
)
from streamsel.records import (
    DeadLetter,
    Directive,
    Label,
    ModelChoice,
    Opinion,
    OpinionKind,
    PromotionRule,
    Query,
    Retraction,
    Source,
)

QUERY = Query(
    query_id="q1", event_id="e1", lane="uncertain", propensity=0.5, utility=0.9, model_version=12,
    probabilities={"a": 0.4, "b": 0.6}, decided_at=1_700_000_000.5,
    features={"amount": 1.5, "new": True, "zip": "0150"},
    context={"note": None, "tags": "[1]"}, timestamp=1.25, segments={"region": "4"},
    rules=("large", "quota:regions:4"), contributions={"amount": 1.25, "zip": -0.5},
)  # fmt: skip
LABEL = Label(
    label_id="l1", revision=2, event_id="e1", label="b", source="reviewer", labelled_by="ann",
    labelled_at=2.5, features={"amount": 1.5, "gone": None}, query_id="q1", lane="explore", propensity=0.2,
    probabilities={"a": 0.4}, model_version=12, decided_at=1.5, segments={"region": "4"},
    seconds=7.25,
)  # fmt: skip
OPINION = Opinion(
    query_id="q1", event_id="e1", label="b", labelled_by="ann", labelled_at=2.5, kind="gold", slot=2, slots=3,
    seconds=7.25, expected="a", revision=4,
)  # fmt: skip
DIRECTIVE = Directive(
    directive_id="d1", action="challenge", issued_by="ann", issued_at=2.5, reason="trees may suit",
    model=ModelChoice("tree", seed=3, copies=2), rule=PromotionRule("accuracy", 50, 0.01, 0.02),
    challenge="d0", version=7, evidence={"labels": 60.0},
)  # fmt: skip
RETRACTION = Retraction("l1", 3, "entered by mistake", "ann", 3.5)
LETTER = DeadLetter("not_json", "line 1", Source("events", 0, 7), b"pay\xffload", 4.5)

KINDS: dict[str, tuple[Any, Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    "query": (QUERY, encode_query, decode_query),
    "label": (LABEL, encode_log_record, decode_log_record),
    "opinion": (OPINION, encode_log_record, decode_log_record),
    "directive": (DIRECTIVE, encode_log_record, decode_log_record),
    "retraction": (RETRACTION, encode_log_record, decode_log_record),
    "dead_letter": (LETTER, encode_dead_letter, decode_dead_letter),
}
kinds = pytest.mark.parametrize("kind", sorted(KINDS))

REQUIRED = {
    "query": {
        "query_id", "event_id", "lane", "propensity", "utility", "model_version", "decided_at", "features"
    },
    "label": {
        "kind", "label_id", "revision", "event_id", "label", "source", "labelled_by", "labelled_at",
        "features",
    },
    "opinion": {"kind", "query_id", "event_id", "label", "labelled_by", "labelled_at", "opinion"},
    "directive": {"kind", "directive_id", "action", "issued_by", "issued_at"},
    "retraction": {"kind", "label_id", "revision", "retracted_by", "retracted_at"},
    "dead_letter": {"reason", "source", "failed_at"},
}  # fmt: skip


@kinds
def test_round_trip(kind: str) -> None:
    """Every record is read as it was written, and carries its version."""
    record, encode, decode = KINDS[kind]
    assert decode(encode(record)) == record
    assert json.loads(encode(record))["v"] == 1


@kinds
def test_fields_of_a_later_release_are_ignored(kind: str) -> None:
    """A record of version 2 with more fields is read by the fields known here."""
    record, encode, decode = KINDS[kind]
    fields = json.loads(encode(record)) | {"v": 2, "cohort": {"deep": [1, {"x": None}]}, "": 0}
    assert decode(json.dumps(fields).encode()) == record


@kinds
def test_missing_fields_are_named(kind: str) -> None:
    """Each field a record can't be without is named when it is absent; the others are not missed."""
    record, encode, decode = KINDS[kind]
    complete = json.loads(encode(record))
    optional = complete.keys() - REQUIRED[kind] - {"payload_base64"}
    assert decode(json.dumps({name: complete[name] for name in complete.keys() - optional}).encode())
    for field in REQUIRED[kind]:
        rest = {name: value for name, value in complete.items() if name != field}
        with pytest.raises(Unreadable, match=f"field '{field}' is missing"):
            decode(json.dumps(rest).encode())


@kinds
def test_mistyped_fields_are_named_with_their_value(kind: str) -> None:
    """An object in place of any field's value is refused by name, shown, and told what it must be."""
    record, encode, decode = KINDS[kind]
    complete = json.loads(encode(record))
    for field in complete.keys() - {"v", "kind"}:
        wrong = complete | {field: {"odd": ["thing"]}}
        with pytest.raises(Unreadable, match=rf"field '{field}(\.odd)?' is .*thing.*; it must be "):
            decode(json.dumps(wrong).encode())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lane": "fast"}, "field 'lane' is 'fast'; it must be one of none, uncertain, explore"),
        ({"source": "rumour"}, "field 'source' is 'rumour'; it must be one of reviewer, consensus, seed"),
        ({"kind": "rumour"}, "field 'kind' is 'rumour'; it must be one of label, opinion, retraction"),
        ({"revision": 1.0}, "field 'revision' is 1.0; it must be a whole number"),
        (
            {"features": {"a": [1]}},
            r"field 'features.a' is \[1\]; it must be a number, boolean, string or null",
        ),
    ],
)
def test_values_a_label_cannot_have(change: dict[str, Any], said: str) -> None:
    """A label's words and types are checked one by one."""
    with pytest.raises(Unreadable, match=said) as refused:
        decode_log_record(json.dumps(json.loads(encode_log_record(LABEL)) | change).encode())
    assert refused.value.reason == "unreadable_label"


opinions = st.builds(
    Opinion,
    query_id=st.text(),
    event_id=st.text(),
    label=st.text(),
    labelled_by=st.text(),
    labelled_at=st.floats(0, 1e10),
    kind=st.sampled_from(get_args(OpinionKind)),
    slot=st.integers(1, 9),
    slots=st.integers(1, 9),
    seconds=st.none() | st.floats(0, 1e6),
    expected=st.none() | st.text(),
    revision=st.integers(0, 2**31),
)


@given(opinions)
def test_every_opinion_is_read_as_it_was_written(opinion: Opinion) -> None:
    """Whatever names and labels are made of."""
    assert decode_log_record(encode_log_record(opinion)) == opinion


def test_an_opinion_of_no_known_kind_is_refused() -> None:
    """The reader says which there are."""
    fields = json.loads(encode_log_record(OPINION)) | {"opinion": "guess"}
    with pytest.raises(Unreadable, match="'opinion' is 'guess'; it must be one of overlap, late, gold"):
        decode_log_record(json.dumps(fields).encode())


def test_a_label_from_before_reviews_were_timed_is_read() -> None:
    """How long it took is not known then."""
    fields = json.loads(encode_log_record(LABEL))
    del fields["seconds"]
    assert decode_log_record(json.dumps(fields).encode()) == replace(LABEL, seconds=None)


def test_opinions_are_told_apart_by_slot_and_gold_by_reviewer() -> None:
    """A gold question is asked of everybody under one query id; a slot has one standing answer."""
    assert replace(OPINION, kind="overlap").label_id == "q1~2"
    assert OPINION.label_id == "q1~ann"
    assert replace(OPINION, kind="late").label_id == "q1~late:ann"


def test_labels_are_written_with_features_in_order() -> None:
    """Two replicas that hold the same features in another order write and read them in one order."""
    turned = encode_log_record(LABEL).replace(b'"amount":1.5,"gone":null', b'"gone":null,"amount":1.5')
    assert turned != encode_log_record(LABEL)
    decoded = decode_log_record(turned)
    assert isinstance(decoded, Label)
    assert list(decoded.features) == ["amount", "gone"]
    assert encode_log_record(decoded) == encode_log_record(LABEL)


@pytest.mark.parametrize("payload", ["no base64!", "AAA"])
def test_a_dead_letter_with_a_damaged_payload(payload: str) -> None:
    """Base64 that is none is named, not raised as something else."""
    fields = json.loads(encode_dead_letter(LETTER)) | {"payload_base64": payload}
    with pytest.raises(Unreadable, match="'payload_base64' is no base64"):
        decode_dead_letter(json.dumps(fields).encode())


@given(st.lists(st.text(), unique=True, max_size=20))
def test_query_ids_follow_from_event_ids(event_ids: list[str]) -> None:
    """One event is one query; other events are others; the id is fit for a URL and a key."""
    query_ids = [query_id_of(event_id) for event_id in event_ids]
    assert query_ids == [query_id_of(event_id) for event_id in event_ids]
    assert len(set(query_ids)) == len(event_ids)
    assert all(len(one) == 26 and one.isalnum() and one.islower() for one in query_ids)


def test_the_query_id_of_a_known_event() -> None:
    """The id is the same in every process and release, for queries outlive both."""
    assert query_id_of("transaction-1") == "j67cnjpvcv66ejyb6jvrcf6xke"
