"""What is told of a record: pure."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from streamsel.codec import Unreadable, encode_log_record
from streamsel.codec.records import query_fields
from streamsel.services.webhooks.messages import of_decisions, of_label_log
from tests.api.reviewing import query
from tests.services.webhooks.conftest import label, retraction

ASKED = query(1)

DECISION = {
    "kind": "decision",
    "v": 1,
    "event_id": ASKED.event_id,
    "source": ["events", 0, 7],
    "decided_at": ASKED.decided_at,
    "model_version": 3,
    "probabilities": {},
    "utility": 0.5,
    "threshold": 0.4,
    "query_fraction": 0.1,
    "lane": ASKED.lane,
    "propensity": 0.25,
    "query": query_fields(ASKED),
}
"""As the log has it."""


def test_only_what_was_asked_for_is_told() -> None:
    """Labels, or what takes them back, or both."""
    recorded, retracted = encode_log_record(label(1)), encode_log_record(retraction("q1"))
    for wanted, told in (
        (["label.recorded"], [True, False]),
        (["label.retracted"], [False, True]),
        (["label.recorded", "label.retracted"], [True, True]),
    ):
        read = of_label_log(wanted)  # type: ignore[arg-type]
        assert [read(0, content) is not None for content in (recorded, retracted)] == told


def test_of_a_decision_the_query_is_told_and_nothing_of_its_event() -> None:
    """Neither features nor context nor what the model thinks; who may see them asks for them by the id."""
    message = of_decisions(0, orjson.dumps(DECISION))
    assert message is not None
    assert message.message_id == f"query-{ASKED.query_id}"
    assert orjson.loads(message.body) == {
        "type": "query.offered",
        "timestamp": "2027-01-15T08:00:01.250000+00:00",
        "data": {"query_id": ASKED.query_id, "event_id": "tx-1", "lane": "uncertain"},
    }
    unasked = {name: value for name, value in DECISION.items() if name != "query"} | {"lane": "none"}
    assert of_decisions(0, orjson.dumps(unasked)) is None


def test_a_message_knows_the_trace_of_its_event() -> None:
    """Of a query as of its label."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    asked = {**DECISION, "query": {**query_fields(ASKED), "traceparent": trace}}
    recorded = encode_log_record(replace(label(1), traceparent=trace))
    messages = of_decisions(0, orjson.dumps(asked)), of_label_log(["label.recorded"])(0, recorded)
    assert [one.traceparent for one in messages if one is not None] == [trace, trace]


def test_what_cannot_be_read_is_not_told() -> None:
    """The caller says so in its log."""
    with pytest.raises(Unreadable):
        of_label_log(["label.recorded"])(0, b"{")
