"""Redacted and hashed fields: what of an event goes on, and in what form."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.codec.fields import Unreadable
from streamsel.codec.privacy import Privacy, without

KEY = b"a secret of some length"
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()
documents = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner), max_leaves=8
)


def hashed(value: Any, key: bytes = KEY) -> Any:
    """As the field ``f`` is hashed."""
    return Privacy(hashed=["f"], key=key).admitted({"f": value})["f"]


def test_redacted_fields_are_gone_wherever_they_lie() -> None:
    """By name, in an object, in every element of an array, in arrays of arrays, under names with dots."""
    event = {
        "id": "e",
        "card": "4111",
        "customer": {"name": "Ann", "age": 40, "cards": [{"card": 1, "kind": "x"}, {"card": 2}]},
        "items": [[{"iban": "DE1", "price": 3}], "loose", None],
        "a.b": {"c": 1, "d": 2},
        "a": {"b.c": 3, "b": {"c": 4}},
    }
    before = orjson.dumps(event)
    privacy = Privacy(redact=["card", "customer.name", "customer.cards.card", "items.iban", "a.b.c"])
    assert privacy.admitted(event) == {
        "id": "e",
        "customer": {"age": 40, "cards": [{"kind": "x"}, {}]},
        "items": [[{"price": 3}], "loose", None],
        "a.b": {"d": 2},
        "a": {"b": {}},
    }
    assert orjson.dumps(event) == before


def test_a_hash_is_known_beforehand() -> None:
    """It is the same in every process and release: others may have stored it."""
    assert hashed("ann@example.org") == "hslw7l6slcvcnsafg5ownjiisi"


@given(documents, documents)
def test_equal_values_hash_equal_and_others_differ(one: Any, other: Any) -> None:
    """A number is not its digits, nor a boolean; the order of keys does not matter; null stays null."""
    same = orjson.dumps([one], option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        [other], option=orjson.OPT_SORT_KEYS
    )
    assert (hashed(one) == hashed(other)) == (same or _equal_numbers(one, other))
    assert hashed(None) is None
    if one is not None:
        assert re.fullmatch("[a-z2-7]{26}", hashed(one))
        assert hashed(one) != hashed(one, b"another secret of some length")


def test_a_whole_number_hashes_alike_however_it_is_written() -> None:
    """1 and 1.0 are one number in JSON; "1" and true are others."""
    assert hashed(1) == hashed(1.0)
    assert len({hashed(1), hashed("1"), hashed(True), hashed([1])}) == 4


def test_redacted_is_no_part_of_a_hash() -> None:
    """From the hash of an object nothing can be guessed about what is redacted in it."""
    privacy = Privacy(redact=["who.name"], hashed=["who"], key=KEY)
    one, other = (privacy.admitted({"who": {"name": name, "age": 4}}) for name in ("Ann", "Ben"))
    assert one == other


@pytest.mark.parametrize("privacy", [Privacy(redact=["a.b"]), Privacy(hashed=["a"], key=KEY)])
def test_what_is_too_deep_to_search_is_refused(privacy: Privacy) -> None:
    """An event is not let through with something in it that nobody has looked at."""
    event = orjson.loads(b'{"a":' + b"[" * 500 + b'{"b":1}' + b"]" * 500 + b"}")
    with pytest.raises(Unreadable, match="nested too deeply"):
        privacy.admitted(event)


@given(documents)
def test_redacting_twice_changes_nothing(document: Any) -> None:
    """And with nothing to hide, an event is as it was."""
    event = {"a": document}
    privacy = Privacy(redact=["a.b", "a.c.a"])
    assert privacy.admitted(privacy.admitted(event)) == privacy.admitted(event)
    assert Privacy().admitted(event) == event


def test_fields_by_path_less_some() -> None:
    """A path with all below it, and from within an array, which stands there as JSON; other text stays."""
    context = {
        "card": "4111",
        "card.kind": "debit",
        "cards": '[{"number":"4111","kind":"x"}]',
        "note": '[{"number": not JSON',
        "deep": "[" * 500 + "]" * 500,
        "age": 4,
    }
    assert without(context, ["card", "cards.number", "note.number", "deep.x", "age.x"]) == {
        "cards": '[{"kind":"x"}]',
        "note": '[{"number": not JSON',
        "deep": None,
        "age": 4,
    }


def _equal_numbers(one: Any, other: Any) -> bool:
    numbers = [type(value) in (int, float) for value in (one, other)]
    return all(numbers) and one == other
