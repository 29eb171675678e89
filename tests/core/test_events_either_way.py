"""A micro-batch decoded whole, by the shape of the last event, is what each event decoded alone would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from streamsel.codec import DecisionColumns, EventBatch, EventDecoder, decode_decision, encode_decisions
from streamsel.codec.layout import Layout
from streamsel.records import Query
from tests.core.payloads import Raw, alike, junk, layouts, objects, raw, same_batch

BY_REGION = Layout(segments=("s",), exclude=("s",))
ORDINARY = b'{"id":"e%d","amount":%d.5,"age":7,"new":true}'


def both_ways(layout: Layout, before: Sequence[Raw], records: Sequence[Raw]) -> tuple[EventBatch, EventBatch]:
    """The records decoded after ``before`` was, and by a decoder that has seen nothing."""
    seasoned = EventDecoder(layout, max_bytes=4_000)
    seasoned.decode(before, 0.0)
    return seasoned.decode(records, 9.0), EventDecoder(layout, max_bytes=4_000).decode(records, 9.0)


@settings(max_examples=1_000)
@given(layouts, alike())
def test_what_came_before_changes_nothing(
    layout: Layout, batches: tuple[list[bytes | None], list[bytes | None]]
) -> None:
    """A micro-batch is decoded alike after one with the same fields and by a decoder that saw nothing."""
    before, now = batches
    known, fresh = both_ways(layout, raw(*before), raw(*now))
    event("decoded whole" if known.letters == () else "decoded one by one")
    assert same_batch(known, fresh)


@settings(max_examples=300)
@given(layouts, alike().map(lambda both: both[1]) | st.lists(objects | junk, max_size=3))
def test_every_record_is_an_event_or_a_dead_letter(layout: Layout, payloads: list[bytes | None]) -> None:
    """Nothing raises and nothing is lost: each record comes out once, and what is kept can be told on."""
    records = raw(*payloads)
    batch = EventDecoder(layout, max_bytes=4_000).decode(records, 5.0)
    offsets = [one.offset for one in batch.records] + [letter.source.offset for letter in batch.letters]
    assert sorted(offsets) == list(range(len(records)))
    assert len(batch.ids) == len(batch.objects) == len(batch.table.rows) == len(batch.records)
    assert all(letter.reason and letter.detail for letter in batch.letters)
    for row in range(len(batch.ids)):
        features = batch.table.row(row)
        assert features
        query = Query(
            "q", batch.ids[row], "explore", 1.0, 1.0, {}, 0, 5.0, features,
            layout.event_context(batch.objects[row], features), layout.event_time(batch.objects[row]),
            {} if batch.segments is None else batch.segments[row],
        )  # fmt: skip
        one = np.ones(1)
        columns = DecisionColumns(
            "events",
            0,
            [row],
            [batch.ids[row]],
            5.0,
            0,
            (),
            np.ones((1, 0)),
            one,
            1.0,
            0.1,
            [2],
            one,
            {0: query},
        )
        assert decode_decision(encode_decisions(columns)[0]).query == query


def test_an_ordinary_micro_batch_is_decoded_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the fields are known, no event of the ordinary kind is looked at alone."""
    decoder = EventDecoder(Layout())
    decoder.decode(raw(ORDINARY % (0, 1)), 0.0)
    monkeypatch.setattr(decoder, "_decode_each", None)
    batch = decoder.decode(raw(*(ORDINARY % (number, number) for number in range(500))), 0.0)
    assert batch.ids == [f"e{number}" for number in range(500)]
    assert batch.table.matrix is not None
    assert batch.table.matrix[3].tolist() == [7.0, 3.5, 1.0]


@pytest.mark.parametrize(
    ("first", "others"),
    [
        (b'{"id":"a","x":1,"y":2}', b'{"y":%d,"id":"b","x":3}'),
        (b'{"y":1,"id":"a","x":1}', b'{"id":"b","x":3,"y":%d}'),
        (b'{"id":"a","x\\n":1,"y":2}', b'{"id":"b","x\\n":3,"y":%d}'),
        (b'{"id":"a","":1,"class":2}', b'{"id":"b","":3,"class":%d}'),
    ],
)
def test_neither_the_order_of_fields_nor_their_names_matter(
    monkeypatch: pytest.MonkeyPatch, first: bytes, others: bytes
) -> None:
    """Events that have the fields of the one before are decoded whole, whatever else sets them apart."""
    decoder = EventDecoder(Layout())
    decoder.decode(raw(first), 0.0)
    monkeypatch.setattr(decoder, "_decode_each", None)
    batch = decoder.decode(raw(first, others % 7, first), 0.0)
    assert batch.ids == ["a", "b", "a"]
    assert batch.table.row(1) == dict(zip(batch.table.names, (3, 7), strict=True))


@pytest.mark.parametrize(
    ("before", "now", "layout"),
    [
        (b'{"id":"w","a":1,"b":2}', b'{"id":"x","a":[1,2],"b":[3,4]}', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'{"id":"x","a":[1,2],"b":1}', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'{"id":"x","a":{"c":1},"b":1}', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'{"id":"x","a":"' + b"7" * 3_900 + b'","b":1}', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'{"id":"x","a":"' + b"7" * 4_000 + b'","b":1}', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'{"id":"x","a":1e101,"b":1}', Layout()),
        (b'{"id":"w","a":"t","b":2}', b'{"id":"x","a":"t","b":-1e101}', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'{"id":"x","a":null,"b":null}', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'{"a":1,"b":2,"other":3}', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'{"id":"x","a":9223372036854775808,"b":2}', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'{"id":-9223372036854775809,"a":1,"b":2}', Layout()),
        (b'{"id":"w","a":1,"b":2,"l":0}', b'{"id":"x","a":1,"b":2,"l":[[1],{}]}', Layout(exclude=("l",))),
        (b'{"id":"w","a":1,"b":2,"x":0}', b'{"id":"x","a":1,"b":2,"y":5}', Layout(exclude=("x",))),
        (b'{"id":"w","a":1,"b":2,"t":0}', b'{"id":"x","a":1,"b":2,"t":"no time"}', Layout(timestamp="t")),
        (b'{"id":"w","a":1,"b":2,"s":0}', b'{"id":"x","a":1,"b":2,"s":[0]}', BY_REGION),
        (b'{"id":"w","a":1,"b":2}', b'{"id":"x","a":1,"b":2,"b":3}', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'{"id":"x","a" :1,"b":2,"b":3}', Layout()),
        (b'{"id":"w","a\\\\":1,"b":2}', b'{"id":"x","a\\\\":1,"b":2,"b":3}', Layout()),
        (b'{"id":"w","a\\"":1,"b":2}', b'{"id":"x","a\\"":1,"b":2,"b":3}', Layout()),
        (b'{"id":"w","a":"","b":2}', b'{"id":"x","a":"\\":","b":2}', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'["id","a","b"]', Layout()),
        (b'{"id":"w","a":1,"b":2}', b'"abc"', Layout()),
    ],
)  # fmt: skip
@pytest.mark.parametrize("listed", [False, True])
def test_fields_as_before_and_something_odd(before: bytes, now: bytes, layout: Layout, listed: bool) -> None:
    """Whatever may differ behind the same number of fields is noticed."""
    layout = replace(layout, features=("a", "b")) if listed else layout
    known, fresh = both_ways(layout, raw(before), raw(now, start=1))
    assert same_batch(known, fresh)


def test_a_matrix_comes_back_after_a_missing_value() -> None:
    """One null makes no matrix; the next micro-batch of numbers has one again."""
    decoder = EventDecoder(Layout())
    assert decoder.decode(raw(b'{"id":"1","a":1,"b":null}'), 0.0).table.matrix is None
    assert decoder.decode(raw(b'{"id":"2","a":1,"b":2}'), 0.0).table.matrix is not None
