"""Which fields of an event are what: id, features, time, segments, and what a reviewer is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamsel.codec import EventBatch, EventDecoder
from streamsel.codec.layout import Layout
from tests.core.payloads import Raw, raw

ORDER = {
    "id": "o-1",
    "amount": 12.5,
    "new": True,
    "channel": "web",
    "note": None,
    "customer": {"age": 40, "address": {"city": "Oslo", "zip": "0150"}},
    "items": ["a", "b"],
    "at": 1_700_000_000_000,
    "region": 4,
}


def decoded(event: dict[str, Any], layout: Layout) -> EventBatch:
    return EventDecoder(layout).decode(raw(json.dumps(event).encode()), 0.0)


def test_every_field_is_a_feature_without_configuration() -> None:
    """All scalars are features, nested ones by dotted path; the id and arrays are not; null is missing."""
    batch = decoded(ORDER, Layout())
    assert batch.table.row(0) == {
        "amount": 12.5,
        "at": 1_700_000_000_000,
        "channel": "web",
        "customer.address.city": "Oslo",
        "customer.address.zip": "0150",
        "customer.age": 40,
        "new": True,
        "region": 4,
    }
    assert list(batch.table.names) == sorted(batch.table.names)


def test_fields_that_are_no_features() -> None:
    """The timestamp, excluded fields and all below an excluded or redacted object are left out."""
    layout = Layout(timestamp="at", exclude=("channel", "customer.address"), redact=("region",))
    assert set(decoded(ORDER, layout).table.row(0)) == {"amount", "customer.age", "new"}


def test_listed_features_only() -> None:
    """A list names the features exactly; a text field joins them; a missing one is None."""
    layout = Layout(features=("customer.age", "amount", "absent"), text="channel")
    table = decoded(ORDER, layout).table
    assert table.names == ("absent", "amount", "channel", "customer.age")
    assert table.rows[0] == (None, 12.5, "web", 40)
    assert table.matrix is None


def test_a_name_with_dots_comes_before_a_path() -> None:
    """A field literally named by dots is taken before the nested field."""
    layout = Layout(id="a.id", features=("a.b",))
    batch = decoded({"a.b": 1, "a": {"b": 2, "id": "inner"}}, layout)
    assert batch.table.rows == [(1,)]
    assert batch.ids == ["inner"]


def test_ids() -> None:
    """A string or whole number is the id; without one it is topic:partition:offset."""
    values = (b'{"id":"x","a":1}', b'{"id":17,"a":1}', b'{"id":null,"a":1}', b'{"a":1}')
    records = [Raw("pay.events", 4, 90 + index, value) for index, value in enumerate(values)]
    batch = EventDecoder(Layout()).decode(records, 0.0)
    assert batch.ids == ["x", "17", "pay.events:4:92", "pay.events:4:93"]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (1_700_000_000, 1_700_000_000.0),
        (1_700_000_000.25, 1_700_000_000.25),
        (1_700_000_000_250, 1_700_000_000.25),
        ("2023-11-14T22:13:20Z", 1_700_000_000.0),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000.0),
        ("2023-11-14 22:13:20", 1_700_000_000.0),
        (-5, -5.0),
        (None, None),
    ],
)
def test_times(given: object, seconds: float | None) -> None:
    """Seconds or milliseconds since 1970, or ISO 8601 (UTC where it says nothing)."""
    assert Layout(timestamp="at").event_time({"at": given}) == seconds


def test_segments_are_text() -> None:
    """Numbers and booleans as text; absent ones left out."""
    layout = Layout(segments=("region", "new", "customer.address.city", "note", "absent"))
    assert decoded(ORDER, layout).segments == [
        {"region": "4", "new": "true", "customer.address.city": "Oslo"}
    ]


def test_what_a_reviewer_is_shown() -> None:
    """All that is no feature and not redacted, arrays as JSON; a redacted object with all below it is not."""
    layout = Layout(features=("amount",), redact=("customer.address", "channel"))
    admitted = layout.privacy.admitted(ORDER)
    features = layout.event_features(admitted)
    assert layout.event_context(admitted, features) == {
        "at": 1_700_000_000_000,
        "customer.age": 40,
        "items": '["a","b"]',
        "new": True,
        "note": None,
        "region": 4,
    }


def test_what_is_too_much_to_show_is_cut() -> None:
    """A reviewer is shown as much of a monstrous event as can be told, and the event is decided."""
    monster = {
        "id": "m", "a": 1, "deep": json.loads('{"x":' * 40 + "1" + "}" * 40),
        "arrays": json.loads("[" * 500 + "]" * 500), "zz" * 5_000: {str(n): 1 for n in range(2_000)},
    }  # fmt: skip
    layout = Layout(features=("a",))
    batch = decoded(monster, layout)
    assert batch.ids == ["m"]
    context = layout.event_context(batch.objects[0], batch.table.row(0))
    assert context["arrays"] == "a list nested too deeply to show"
    assert context["deep" + ".x" * 31] == '{"x":' * 9 + "1" + "}" * 9
    assert sum(map(len, context)) <= 1_000_000


def test_mixed_events_share_one_table() -> None:
    """Events with different fields stand in one table over the union of their names."""
    batch = EventDecoder(Layout()).decode(raw(b'{"id":"1","b":1}', b'{"id":"2","a":"x","b":2}'), 0.0)
    assert batch.table.names == ("a", "b")
    assert [batch.table.row(0), batch.table.row(1)] == [{"b": 1}, {"a": "x", "b": 2}]
