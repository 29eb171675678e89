"""What is no event becomes a dead letter with one fixed word, a sentence, its place and its payload."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.codec import EventDecoder, decode_dead_letter, encode_dead_letter
from streamsel.codec.layout import Layout
from streamsel.records import DeadLetter, Source
from tests.core.payloads import Raw, raw

PLAIN = Layout()
FULL = Layout(features=("a", "b"), text="words", timestamp="when", segments=("region",))


def letter_of(payload: bytes | None, layout: Layout = PLAIN) -> DeadLetter:
    """The dead letter of the one record that has this payload."""
    batch = EventDecoder(layout, max_bytes=100_000).decode([Raw("events", 3, 42, payload)], 7.5)
    assert list(batch.records) == []
    (letter,) = batch.letters
    return letter


@pytest.mark.parametrize(
    ("payload", "reason", "detail"),
    [
        (None, "not_json", "no value"),
        (b"", "not_json", "empty"),
        (b"not json", "not_json", "line 1 column 1"),
        (b'{"a":1', "not_json", "line 1"),
        (b'{"a":1} {"a":2}', "not_json", "column 9"),
        (b'\xef\xbb\xbf{"a":1}', "not_json", "column 1"),
        (b'{"a":"\\ud800"}', "not_json", "surrogate"),
        (b"[" * 2_000 + b"]" * 2_000, "not_json", "depth"),
        (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, "not_json", "depth"),
        (b'{"a":"caf\xe9"}', "not_utf8", "byte 9"),
        (b"\xff\xfe{\x00}\x00", "not_utf8", "byte 0"),
        (b'{"a":NaN}', "not_finite", "NaN"),
        (b'{"a":Infinity}', "not_finite", "Infinity"),
        (b'{"a":-Infinity}', "not_finite", "-Infinity"),
        (b'{"a":1e400}', "not_finite", "infinity"),
        (b'{"a":' + b"9" * 400 + b"}", "not_finite", "infinity"),
        (b"null", "not_an_object", "null"),
        (b"17", "not_an_object", "number"),
        (b'"text"', "not_an_object", "string"),
        (b"true", "not_an_object", "boolean"),
        (b'[{"a":1}]', "not_an_object", "array"),
        (b'{"a":1,"a":1}', "duplicate_keys", "'a'"),
        (b'{"a" : 1, "b":0, "a" : 2}', "duplicate_keys", "'a'"),
        (b'{"a":1,"\\u0061":2}', "duplicate_keys", "'a'"),
        (b'{"a":1,"b":{"c":{"d":1,"d":2}}}', "duplicate_keys", "'d'"),
        (b'{"a":1,"b":[{"c":1},{"c":1,"c":2}]}', "duplicate_keys", "'c'"),
        (b'{"a\\\\":1,"a\\\\":2}', "duplicate_keys", "a\\"),
        (b'{"a\\\\":1,"b":2,"b":3}', "duplicate_keys", "'b'"),
        (b'{"x\\":":1,"x\\":":2}', "duplicate_keys", 'x":'),
        (b"{}", "no_features", "no value"),
        (b'{"id":"only"}', "no_features", "no value"),
        (b'{"id":"x","a":null,"b":null}', "no_features", "no value"),
        (b'{"id":"x","a":[1,2]}', "no_features", "no value"),
        (b'{"a":1e101}', "wrong_type", "'a' is 1e+101"),
        (b'{"a":{"b":-2e100}}', "wrong_type", "'a.b' is -2e+100"),
        (b'{"id":1.5,"a":1}', "wrong_type", "'id' is 1.5"),
        (b'{"id":true,"a":1}', "wrong_type", "'id' is true"),
        (b'{"id":"","a":1}', "wrong_type", "'id' is empty"),
        (b'{"id":["x"],"a":1}', "wrong_type", "'id' is"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "wrong_type", "a.a.a"),
        (b'{"a":"' + b"x" * 100_000 + b'"}', "too_large", "100008 bytes; at most 100000"),
    ],
)  # fmt: skip
def test_reason_and_detail(payload: bytes | None, reason: str, detail: str) -> None:
    """Each way to be wrong has its own word, and the sentence names what is wrong."""
    letter = letter_of(payload)
    assert letter.reason == reason
    assert detail in letter.detail
    assert letter.source == Source("events", 3, 42)
    assert letter.failed_at == 7.5
    assert letter.payload == (payload or b"")[:100_000]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"a": [1], "b": 1}, "feature 'a' is [1]; it must be a number, boolean, string or null"),
        ({"a": {"x": 1}, "b": 1}, "feature 'a' is"),
        ({"a": 1, "b": 1, "words": 5}, "text field 'words' is 5; it must be a string"),
        ({"a": 1, "b": 1, "when": "yesterday"}, "timestamp field 'when' is \"yesterday\""),
        ({"a": 1, "b": 1, "when": True}, "timestamp field 'when' is true"),
        ({"a": 1, "b": 1, "when": [2024]}, "timestamp field 'when' is [2024]"),
        ({"a": 1, "b": 1, "region": {"name": "x"}}, "segment field 'region' is"),
        ({"a": 1, "b": 1, "region": ["x"]}, "segment field 'region' is [\"x\"]"),
    ],
)
def test_configured_fields_of_the_wrong_type(fields: dict[str, object], detail: str) -> None:
    """A field the configuration names is told with its value and what it must be."""
    letter = letter_of(json.dumps(fields).encode(), FULL)
    assert letter.reason == "wrong_type"
    assert detail in letter.detail


@pytest.mark.parametrize("field", ["a", "region", "when", "id"])
def test_values_nested_too_deeply_to_show(field: str) -> None:
    """A configured field that holds 500 nested arrays is a dead letter like any other array."""
    nested = b"[" * 500 + b"]" * 500
    fields = {b"a": b"1", b"b": b"1", field.encode(): nested}
    payload = b"{" + b",".join(b'"%s":%s' % pair for pair in fields.items()) + b"}"
    letter = letter_of(payload, FULL)
    assert letter.reason == "wrong_type"
    assert "nested too deeply to show" in letter.detail


@pytest.mark.parametrize("gap", [" ", "\t", "\n", "\r", " \t\n\r"])
def test_a_key_doubled_behind_white_space(gap: str) -> None:
    """Space before a colon hides a key from the quick look, and so is looked at twice."""
    letter = letter_of(f'{{"a"{gap}:1,"b":2,"b":3}}'.encode())
    assert (letter.reason, letter.detail) == ("duplicate_keys", "key 'b' stands twice in one object")


def test_more_features_than_are_taken() -> None:
    """Features have a limit of their own, for a small payload can hold many."""
    payload = b'{"' + b'":1,"'.join(b"%d" % number for number in range(11)) + b'":1}'
    (letter,) = EventDecoder(Layout(), max_features=10).decode(raw(payload), 0.0).letters
    assert (letter.reason, letter.detail) == ("too_large", "11 features; at most 10 are taken")


def test_paths_out_of_all_proportion() -> None:
    """A small event whose paths, written out, would fill the memory is refused before they do."""
    leaves = ",".join(f'"{number}":1' for number in range(2_000))
    letter = letter_of(f'{{"{"k" * 5_000}":{{{leaves}}}}}'.encode())
    assert letter.reason == "too_large"
    assert "paths" in letter.detail


def test_what_surrounds_poison_is_kept() -> None:
    """Events before and after a poisonous one are decoded, in order."""
    batch = EventDecoder(Layout()).decode(raw(b'{"id":"1","a":1}', b"poison", b'{"id":"3","a":3}'), 0.0)
    assert batch.ids == ["1", "3"]
    assert [one.offset for one in batch.records] == [0, 2]
    assert [letter.source.offset for letter in batch.letters] == [1]


@given(st.binary(max_size=200) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_payloads_survive_the_dead_letters(payload: bytes) -> None:
    """A dead letter gives its payload back byte by byte, whatever it is, and never swells it much."""
    letter = DeadLetter("not_json", 'a "detail" with 100 %', Source("ev%ents", 1, 2), payload, 3.25)
    encoded = encode_dead_letter(letter)
    assert decode_dead_letter(encoded) == letter
    assert len(encoded) <= 2 * len(payload) + 200
    json.loads(encoded)
