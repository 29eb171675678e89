"""Which records tell of a subject, and which are too old."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from streamsel.codec import encode_dead_letter, encode_log_record, encode_query
from streamsel.codec.layout import Layout
from streamsel.codec.privacy import Privacy
from streamsel.records import DeadLetter, Label, Source, Value
from streamsel.services.subjects import Expired, Subject
from tests.contracts.review_queue.stores import query
from tests.core.learning_strategies import label_record, opinion_record, retraction_record

LAYOUT = Layout(id="txn")


def subject(field: str, value: str, layout: Layout = LAYOUT) -> Subject:
    return Subject(field, value, layout)


def with_features(features: dict[str, Value]) -> Label:
    return label_record("l1", features=features)


@pytest.mark.parametrize(
    ("features", "theirs"),
    [
        ({"customer.id": 4711}, True),
        ({"customer.id": "4711"}, True),
        ({"customer.id": 4711.5}, False),
        ({"customer.id": None}, False),
        ({"customer.id": 47110}, False),
        ({"customer": "4711"}, False),
        ({"other": 4711}, False),
        ({"customer": '{"id": 4711}'}, True),
        ({"customer": '[{"id": 1}, {"id": 4711}]'}, True),
        ({"customer": "[no json"}, False),
    ],
)
def test_a_label_is_theirs_by_the_value_of_the_field(features: dict[str, Value], theirs: bool) -> None:
    """As a number or as text, also from within arrays, which stand as JSON; nothing else."""
    assert subject("customer.id", "4711").erases(encode_log_record(with_features(features))) is theirs


def test_every_part_of_a_record_is_looked_at() -> None:
    """Context and segments of a query, the query in a decision, the event as it came, the payload of a dead
    letter."""
    ours = subject("email", "a@b.c")
    asked = replace(query(1), context={"email": "a@b.c"})
    assert ours.erases(encode_query(asked))
    assert ours.erases(b'{"event_id":"1","lane":"explore","query":%b}' % encode_query(asked))
    assert ours.erases(encode_query(replace(query(1), segments={"email": "a@b.c"})))
    assert not ours.erases(encode_query(query(1)))
    event = orjson.dumps({"txn": 1, "parties": [{"x": 1}], "email": "a@b.c"})
    assert ours.erases(event)
    letter = DeadLetter("wrong_type", "", Source("events", 0, 1), event, 1.0)
    assert ours.erases(encode_dead_letter(letter))
    assert not ours.erases(encode_dead_letter(replace(letter, payload=b'{"txn": 1}')))
    assert subject("parties.x", "1").erases(event)


def test_what_can_not_be_read_is_theirs_when_it_has_the_value() -> None:
    """Rather too much than too little."""
    assert subject("email", "a@b.c").erases(b'{"email": "a@b.c"')
    assert not subject("email", "a@b.c").erases(b'{"email": "')
    letter = DeadLetter("not_json", "", Source("events", 0, 1), b'{"email": "a@b.c', 1.0)
    assert subject("email", "a@b.c").erases(encode_dead_letter(letter))


def test_the_id_field_names_events_wherever_they_are() -> None:
    """In labels and opinions it is the event's id, in an outcome the id."""
    ours = subject("txn", "event of l1")
    assert ours.erases(encode_log_record(label_record("l1")))
    assert ours.erases(encode_log_record(opinion_record("l1")))
    assert ours.erases(b'{"id":"event of l1","label":"fine"}')
    assert not ours.erases(encode_log_record(label_record("l2")))


def test_a_hashed_field_is_found_by_what_it_was() -> None:
    """As text or as the number it may have been."""
    layout = Layout(id="txn", hash=["customer.id"], hash_key=b"k" * 16)
    privacy: Privacy = layout.privacy
    for value in (4711, "4711"):
        hashed = privacy.admitted({"customer": {"id": value}})["customer"]["id"]
        label = with_features({"customer.id": hashed})
        assert subject("customer.id", "4711", layout).erases(encode_log_record(label))
        assert not subject("customer.id", "4712", layout).erases(encode_log_record(label))


def test_records_expire_by_their_own_time() -> None:
    """Those that tell none stay."""
    old = Expired(before=1.5)
    assert old.erases(encode_log_record(label_record("l1")))
    assert old.erases(encode_log_record(opinion_record("l1")))
    assert not old.erases(encode_log_record(replace(label_record("l1"), labelled_at=1.5)))
    assert not old.erases(encode_log_record(retraction_record("l1", 2)))
    assert not old.erases(b'{"txn": 1}')
    assert not old.erases(b"no record")
