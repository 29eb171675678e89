"""Business rules: column by column the same as event by event, and in their order."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any, cast, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.records import FeatureTable, Value
from streamsel.selection.fields import Fields
from streamsel.selection.rules import Combination, Comparison, Condition, Operator, Rule, Rules
from streamsel.selection.ruling import NEVER

LABELS = ("genuine", "fraud")
NAMES = ("a", "b", "c")

numbers = st.sampled_from([0, 1, 2, -1, 0.5, 2**53, 2**53 + 1, 10**400, True, False]) | st.floats(-3.0, 3.0)
texts = st.sampled_from(["", "DE", "FR", "DEFR", "1"])
values = st.none() | numbers | texts
fields = st.sampled_from([*NAMES, "country", "elsewhere", "predicted_class", "confidence"])
probabilities = st.sampled_from([(0.2, 0.8), (0.9, 0.1), (0.5, 0.5), (float("nan"), float("nan"))])


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    """Any field, operator and fitting value."""
    op: Operator = draw(st.sampled_from(get_args(Operator)))
    value: Any = None
    if op in ("in", "not in"):
        value = tuple(draw(st.lists(numbers | texts | st.sampled_from(LABELS), max_size=3)))
    elif op == "contains":
        value = draw(texts)
    elif op not in ("present", "absent"):
        value = draw(numbers | texts | st.sampled_from(LABELS))
    return Comparison(draw(fields), op, value)


conditions: st.SearchStrategy[Condition] = st.recursive(
    comparisons(),
    lambda inner: st.builds(
        Combination, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=5,
)
rules = st.builds(
    Rule, st.sampled_from("rstu"), st.sampled_from(["always", "never"]), conditions, st.integers(-1, 2)
)
small_numbers = st.sampled_from([0, 1, 2, True, 0.5, 2**53 + 1]) | st.floats(-3.0, 3.0)
tables = st.lists(st.tuples(values, values, values), min_size=1, max_size=8) | st.lists(
    st.tuples(small_numbers, small_numbers, small_numbers), min_size=1, max_size=8
)


def table_of(rows: list[tuple[Value, ...]], names: tuple[str, ...] = NAMES) -> FeatureTable:
    """With its matrix when all values are numbers, as events are decoded."""
    try:
        matrix = np.array([array("d", cast(Any, row)) for row in rows])
    except (TypeError, OverflowError):
        matrix = None
    return FeatureTable(names, rows, matrix)


def fields_of(rows: list[tuple[Value, ...]], names: tuple[str, ...] = NAMES) -> Fields:
    """Nothing but features."""
    return Fields(table_of(rows, names), None, LABELS, np.empty((len(rows), 0)))


def holds(condition: Condition, event: Mapping[str, Value]) -> bool:
    """The same, as one would write it for one event."""
    if isinstance(condition, Combination):
        each = [holds(one, event) for one in condition.conditions]
        return all(each) if condition.join == "all" else any(each)
    found, value = event.get(condition.field), condition.value
    if condition.op == "absent" or found is None:
        return condition.op == "absent" and found is None
    compared: Any = found
    if condition.op in ("<", "<=", ">", ">=") and isinstance(found, str) != isinstance(value, str):
        return False
    match condition.op:
        case "present":
            return True
        case "in":
            return compared in cast(Any, value)
        case "not in":
            return compared not in cast(Any, value)
        case "contains":
            return isinstance(compared, str) and cast(str, value) in compared
        case op:
            return bool(eval(f"compared {op} value", {"compared": compared, "value": value}))  # noqa: S307


@given(tables, st.data())
def test_columns_and_single_events_agree(rows: list[tuple[Value, ...]], data: st.DataObject) -> None:
    """Every rule and condition gives each event what it would give that event alone."""
    chosen = data.draw(st.lists(rules, min_size=1, max_size=4))
    opinions = data.draw(st.lists(probabilities, min_size=len(rows), max_size=len(rows)))
    countries = data.draw(
        st.lists(st.sampled_from(["DE", "FR", None]), min_size=len(rows), max_size=len(rows))
    )
    segments = [{"country": country} if country else {} for country in countries]
    table = table_of(rows)
    ranks, reasons = Rules(chosen).apply(Fields(table, segments, LABELS, np.array(opinions)))
    always = sorted({rule.priority for rule in chosen if rule.ask == "always"})
    for row in range(len(rows)):
        event = {**segments[row], **table.row(row)}
        if not np.isnan(opinions[row][0]):
            event["predicted_class"] = LABELS[int(np.argmax(opinions[row]))]
            event["confidence"] = max(opinions[row])
        hit = [rule for rule in chosen if holds(rule.condition, event)]
        if not hit:
            assert ranks[row] == 0.0
            assert row not in reasons
            continue
        highest = max(rule.priority for rule in hit)
        asks = {rule.ask for rule in hit if rule.priority == highest}
        ask = "never" if "never" in asks else "always"
        assert ranks[row] == (NEVER if ask == "never" else 2 + always.index(highest))
        assert list(reasons[row]) == [
            rule.name for rule in chosen if rule in hit and (rule.priority, rule.ask) == (highest, ask)
        ]


def test_whole_numbers_beyond_floating_point_are_told_apart() -> None:
    """An account number of seventeen digits is not taken for its neighbour."""
    account = 2**53
    seen = fields_of([(account,), (account + 1,)], ("account",))
    assert Comparison("account", "==", account + 1).holds(seen).tolist() == [False, True]
    assert Comparison("account", ">", account).holds(seen).tolist() == [False, True]


@pytest.mark.parametrize("op", ["==", "!=", "<", "<=", ">", ">=", "in", "not in", "present"])
def test_not_a_number_is_missing(op: Operator) -> None:
    """NaN makes every comparison false, with and without a matrix, and is absent."""
    value = (1.0,) if "in" in op else 1.0
    tables: list[list[tuple[Value, ...]]] = [[(float("nan"),), (0.5,)], [(float("nan"),), ("text",)]]
    for rows in tables:
        seen = fields_of(rows, ("a",))
        assert not Comparison("a", op, value).holds(seen)[0]
        assert Comparison("a", "absent").holds(seen).tolist() == [True, False]


def test_nothing_is_predicted_before_two_labels_are_known() -> None:
    """Rules on the prediction hold of no event then, but for its absence."""
    seen = fields_of([(1.0,), (2.0,)], ("a",))
    assert not Comparison("confidence", ">=", 0.0).holds(seen).any()
    assert not Comparison("predicted_class", "!=", "fraud").holds(seen).any()
    assert Comparison("predicted_class", "absent").holds(seen).all()


def test_a_field_that_no_event_of_the_batch_has_is_missing() -> None:
    """As with sparse events, whose columns come and go."""
    seen = fields_of([(1.0,)], ("a",))
    assert not Comparison("b", "!=", 3).holds(seen).any()
    assert Comparison("b", "absent").holds(seen).all()
