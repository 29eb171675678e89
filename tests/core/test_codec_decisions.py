"""Decisions written a micro-batch at a time and read one at a time."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.codec import DecisionColumns, Unreadable, decode_decision, encode_decisions
from streamsel.records import Conditions, Decision, Lane, Query, Source
from tests.core.test_trace_context import traceparents

LANES: tuple[Lane, ...] = ("none", "uncertain", "explore", "rule", "holdout")

odd_text = st.text(max_size=6) | st.sampled_from(
    ['"', 'x",', '","', "\\", '\\"', "%", "%b", "%%s", "\0", "\n", ",\n  ", "\u2028", "😀", "}", '"}'],
)
odd_name = odd_text.filter(bool)
shares = st.floats(0.0, 1.0)
words = st.dictionaries(odd_name, odd_text, max_size=3)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e100, 1e100) | odd_text


conditions = st.builds(
    Conditions,
    st.none() | odd_text,
    st.integers(0, 10**6),
    shares,
    backlog=st.none() | st.integers(0, 10**6),
    oldest_seconds=st.none() | shares,
    live_reviewers=st.none() | st.integers(0, 10**6),
    completions_per_second=st.none() | shares,
)


@st.composite
def decisions(draw: st.DrawFn) -> list[Decision]:
    """The decisions of one micro-batch of one partition: some asked about, some without any opinion."""
    topic, partition = draw(odd_name), draw(st.integers(0, 2**31 - 1))
    labels = draw(st.lists(odd_name, unique=True, max_size=3))
    decided_at, version = draw(st.floats(0, 1e10)), draw(st.integers(0, 2**53))
    threshold, fraction = draw(shares | st.just(float("inf"))), draw(shares)
    segmented, under = draw(st.booleans()), draw(st.none() | conditions)
    made = []
    for offset in draw(st.lists(st.integers(0, 2**62), min_size=1, max_size=5, unique=True)):
        opinion = {label: draw(shares) for label in labels} if draw(st.booleans()) else {}
        event_id, lane = draw(odd_name), draw(st.sampled_from(LANES))
        utility, propensity = draw(shares), draw(shares)
        segments = draw(words) if segmented else {}
        rules = tuple(draw(st.lists(odd_name, max_size=2)))
        query, traceparent = None, draw(st.none() | traceparents)
        if lane != "none":
            features = dict(sorted(draw(st.dictionaries(odd_name, scalars, max_size=3)).items()))
            context = dict(sorted(draw(st.dictionaries(odd_name, scalars, max_size=2)).items()))
            when = draw(st.none() | st.floats(-1e10, 1e10))
            query = Query(
                "q" + event_id, event_id, lane, propensity, utility, opinion, version, decided_at, features,
                context, when, segments, rules, traceparent=traceparent,
            )  # fmt: skip
        made.append(
            Decision(
                event_id, Source(topic, partition, offset), decided_at, version, opinion, utility, threshold,
                fraction, lane, propensity, segments, query, rules, under if query else None, traceparent,
            )
        )  # fmt: skip
    return made


def columns_of(made: list[Decision]) -> DecisionColumns:
    first = made[0]
    labels = tuple(dict.fromkeys(label for one in made for label in one.probabilities))
    return DecisionColumns(
        topic=first.source.topic,
        partition=first.source.partition,
        offsets=[one.source.offset for one in made],
        event_ids=[one.event_id for one in made],
        decided_at=first.decided_at,
        model_version=first.model_version,
        labels=labels,
        probabilities=np.array(
            [[one.probabilities.get(label, np.nan) for label in labels] for one in made], dtype=np.float64
        ).reshape(len(made), len(labels)),
        utilities=np.array([one.utility for one in made]),
        threshold=first.threshold,
        query_fraction=first.query_fraction,
        lanes=[LANES.index(one.lane) for one in made],
        propensities=np.array([one.propensity for one in made]),
        queries={row: one.query for row, one in enumerate(made) if one.query is not None},
        segments=[one.segments for one in made] if any(one.segments for one in made) else None,
        rules={row: one.rules for row, one in enumerate(made) if one.rules},
        conditions=next((one.conditions for one in made if one.query), None),
        traceparents={row: one.traceparent for row, one in enumerate(made) if one.traceparent is not None},
    )


@settings(max_examples=500)
@given(decisions())
def test_decisions_come_back_as_they_were(made: list[Decision]) -> None:
    """Whatever stands in ids, labels, topics, segments and features, a decision is read as it was made."""
    assert [decode_decision(one) for one in encode_decisions(columns_of(made))] == made


def test_ids_that_look_like_the_space_between_ids() -> None:
    """An id that ends in a quote and a comma is not cut in two, nor are its neighbours."""
    ids = ['a",', 'b","', '",', '"', ",", '","', "\n", ",\n  ", '",\n  "']
    one = np.ones(len(ids))
    columns = DecisionColumns(
        "t", 0, range(len(ids)), ids, 1.0, 0, (), np.ones((len(ids), 0)), one, 1.0, 0.1, [0] * len(ids), one,
        {},
    )  # fmt: skip
    assert [decode_decision(value).event_id for value in encode_decisions(columns)] == ids


def test_nothing_to_decide() -> None:
    """An empty micro-batch gives no record."""
    none = np.ones(0)
    columns = DecisionColumns("t", 0, [], [], 1.0, 0, ("a",), np.ones((0, 1)), none, 1.0, 0.1, [], none, {})
    assert encode_decisions(columns) == []


GOOD: dict[str, Any] = {
    "kind": "decision", "v": 1, "event_id": "e", "source": ["t", 0, 7], "decided_at": 1.0, "model_version": 3,
    "threshold": None, "query_fraction": 0.1, "probabilities": {"a": 0.5, "b": None}, "utility": 1,
    "propensity": 0.25, "lane": "none",
}  # fmt: skip


def test_a_later_version_with_more_fields_is_read() -> None:
    """Unknown fields are ignored; no threshold is an infinite one; a null probability is no opinion."""
    decision = decode_decision(json.dumps({**GOOD, "v": 2, "cohort": {"x": [1]}}).encode())
    assert decision.threshold == float("inf")
    assert decision.probabilities == {"a": 0.5}
    assert decision.source == Source("t", 0, 7)


@pytest.mark.parametrize("field", sorted(GOOD.keys() - {"kind", "v", "threshold", "probabilities"}))
def test_a_missing_field_is_named(field: str) -> None:
    """What a decision can't be without is named when it is missing."""
    with pytest.raises(Unreadable, match=f"field '{field}' is missing") as refused:
        decode_decision(json.dumps({**GOOD, field: None}).encode())
    assert refused.value.reason == "unreadable_decision"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("event_id", 5, "field 'event_id' is 5; it must be a string"),
        (
            "source",
            ["t", "0", 7],
            r"field 'source' is \['t', '0', 7\]; it must be \[topic, partition, offset\]",
        ),
        ("decided_at", "now", "field 'decided_at' is 'now'; it must be a number"),
        ("model_version", 1.5, "field 'model_version' is 1.5; it must be a whole number"),
        ("model_version", True, "field 'model_version' is True; it must be a whole number"),
        ("threshold", "high", "field 'threshold' is 'high'; it must be a number"),
        ("probabilities", {"a": "x"}, "field 'probabilities.a' is 'x'; it must be a number"),
        ("probabilities", [0.5], r"field 'probabilities' is \[0.5\]; it must be an object"),
        ("lane", "fast", "field 'lane' is 'fast'; it must be one of none, uncertain, explore"),
        ("rules", "large", "field 'rules' is 'large'; it must be a list of strings"),
        ("rules", ["large", 1], "field 'rules.1' is 1; it must be a string"),
        ("segments", {"r": 1}, "field 'segments.r' is 1; it must be a string"),
        ("conditions", {"candidates": 1.5}, "field 'candidates' is 1.5; it must be a whole number"),
    ],
)
def test_a_mistyped_field_is_named_with_its_value(field: str, value: object, said: str) -> None:
    """What is of the wrong type is named, shown and told what it must be."""
    with pytest.raises(Unreadable, match=said):
        decode_decision(json.dumps({**GOOD, field: value}).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'"x"', b"{", b"\xff"])
def test_what_is_no_record_at_all(content: bytes) -> None:
    """Anything but a JSON object is unreadable, and nothing else is raised."""
    with pytest.raises(Unreadable) as refused:
        decode_decision(content)
    assert refused.value.reason == "unreadable_decision"
