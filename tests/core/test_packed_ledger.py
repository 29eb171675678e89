"""The label ids a snapshot holds, against a plain dictionary."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.learning.ledger import Ledger
from streamsel.learning.packed_ledger import PackedEntries
from tests.core.learning_strategies import label_record, retraction_record

KEYS = st.one_of(
    st.integers(0, 2**128 - 1),
    st.builds(lambda high, low: high << 64 | low, st.integers(0, 3), st.integers(0, 3)),
)
VALUES = st.one_of(st.integers(-(2**127), 2**127 - 1), st.integers(0, 2**60))
ENTRIES = st.lists(st.dictionaries(KEYS, VALUES, max_size=12), max_size=5)


@given(before=ENTRIES, recent=ENTRIES)
def test_is_what_a_dictionary_updated_in_the_same_order_is(
    before: Sequence[dict[int, int]], recent: Sequence[dict[int, int]]
) -> None:
    """Also of keys that share their upper half, and read back from bytes."""
    expected = {key: value for entries in (*before, *recent) for key, value in entries.items()}
    packed = PackedEntries.none().updated(before).updated(recent)
    again = PackedEntries.over(memoryview(b"".join(packed.columns)))
    for one in (packed, again):
        assert len(one) == len(expected)
        assert {key: one.get(key) for key in expected} == expected
        assert all(one.get(key ^ 1) == expected.get(key ^ 1) for key in expected)


def test_refuses_bytes_that_are_no_whole_entries() -> None:
    """A column would be shorter than another."""
    with pytest.raises(ValueError, match="33 bytes are no whole number of entries"):
        PackedEntries.over(memoryview(bytes(33)))


REVISIONS = st.one_of(st.integers(0, 3), st.integers(-(2**63), 2**64 - 1))


@given(
    notes=st.lists(st.tuples(st.integers(0, 6), REVISIONS, st.booleans()), max_size=40),
    packed_at=st.sets(st.integers(0, 39)),
)
def test_a_ledger_is_the_same_however_often_it_was_packed(
    notes: Sequence[tuple[int, int, bool]], packed_at: set[int]
) -> None:
    """What is superseded, and what counts for each id: with entries in the columns, on their way there, and
    noted meanwhile."""
    plain, packed = Ledger(), Ledger()
    closed = packed.close()
    for offset, (number, revision, is_label) in enumerate(notes):
        name = f"label {number}"
        record = label_record(name, revision) if is_label else retraction_record(name, revision)
        if offset in packed_at:
            packed.replace(closed, closed.pack())
            closed = packed.close()
        assert packed.note([(offset, record)]) == plain.note([(offset, record)])
        assert packed.counting(name) == plain.counting(name)
    with pytest.raises(KeyError):
        packed.counting("label never noted")


@given(notes=st.lists(st.tuples(st.integers(0, 6), REVISIONS, st.booleans()), max_size=20))
def test_records_noted_at_once_are_noted_one_by_one(notes: Sequence[tuple[int, int, bool]]) -> None:
    """They supersede the same entries, and what counts by then is told of each."""
    records = [
        (offset, (label_record if is_label else retraction_record)(f"label {number}", revision))
        for offset, (number, revision, is_label) in enumerate(notes)
    ]
    whole, single = Ledger(), Ledger()
    superseded, counting = whole.note(records)
    assert superseded == [entry for record in records for entry in single.note([record])[0]]
    assert counting == [single.counting(record.label_id) for _, record in records]


def test_a_ledger_packed_by_two_at_once_keeps_what_was_noted_since() -> None:
    """The second to be done finds that what it packed is packed already."""
    ledger = Ledger()
    ledger.note([(0, label_record("a"))])
    first = ledger.close()
    ledger.note([(1, label_record("b"))])
    second = ledger.close()
    ledger.replace(second, second.pack())
    ledger.note([(2, label_record("c"))])
    ledger.replace(first, first.pack())
    assert [ledger.counting(name) for name in "abc"] == [0, 1, 2]
