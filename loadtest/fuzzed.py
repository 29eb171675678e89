"""Events that are none, or hardly: each way to be wrong by a function of a sound event's bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from random import Random
from typing import TypeAlias

import orjson

from loadtest.events import payloads

Way: TypeAlias = Callable[[Random, bytes], bytes | None]

_LARGEST_BYTES = 1_000_000
_DEEPEST = 20_000
_RARELY = 2_000
"""One event in so many is as large as may be, or larger."""


def fuzzed(seed: int) -> Iterator[tuple[str, bytes | None]]:
    """Without end: how an event was made wrong, and what it is. The same for a seed."""
    random = Random(seed)
    names = sorted(WAYS)
    sound = list(payloads(1_000, seed))
    for number in count():
        name = "as large as may be" if number % _RARELY == _RARELY - 1 else random.choice(names)
        make = WAYS.get(name, _large)
        yield name, make(random, random.choice(sound))


def _mutated(random: Random, payload: bytes) -> bytes:
    changed = bytearray(payload)
    for _ in range(random.randint(1, 5)):
        place = random.randrange(len(changed))
        match random.randrange(3):
            case 0:
                changed[place] = random.randrange(256)
            case 1:
                changed.insert(place, random.randrange(256))
            case _:
                del changed[place]
    return bytes(changed)


def _cut_short(random: Random, payload: bytes) -> bytes:
    return payload[: random.randrange(len(payload))]


def _nested(random: Random, payload: bytes) -> bytes:
    depth = random.randint(1, _DEEPEST)
    opening, closing = random.choice([(b"[", b"]"), (b'{"a":', b"}")])
    return _with(payload, b"amount", opening * depth + b"1" + closing * depth)


def _number(random: Random, payload: bytes) -> bytes:
    digits = b"9" * random.randint(1, 5_000)
    numbers = [digits, b"-" + digits, b"1e308", b"-1e400", b"1e-400", b"0." + digits, b"01", b"1e", b"-0"]
    return _with(payload, b"amount", random.choice(numbers))


def _not_finite(random: Random, payload: bytes) -> bytes:
    return _with(payload, b"amount", random.choice([b"NaN", b"Infinity", b"-Infinity", b"nan"]))


def _of_another_type(random: Random, payload: bytes) -> bytes:
    values = [b"true", b'"12"', b'""', b"[]", b"{}", b'[1,{"a":[]}]', b"null", b'{"amount":1}']
    return _with(payload, random.choice([b"id", b"amount", b"during_night"]), random.choice(values))


def _surrogates(random: Random, payload: bytes) -> bytes:
    texts = [b'"\\ud800"', b'"\\udfff\\ud800"', b'"\xed\xa0\x80"', b'"\\u0000"', b'"\xf4\x90\x80\x80"']
    return _with(payload, random.choice([b"id", b"amount"]), random.choice(texts))


def _twice(random: Random, payload: bytes) -> bytes:
    again = random.choice([b'"amount":1', b'"\\u0061mount":1', b'"a":{"b":1,"b":2}', b'"id" :"x"'])
    return payload[:-1] + b"," + again + b"}"


def _nulls(random: Random, payload: bytes) -> bytes:
    return orjson.dumps({name: None for name in orjson.loads(payload) if random.random() < 0.9})


def _no_object(random: Random, _: bytes) -> bytes | None:
    return random.choice(
        [None, b"", b" ", b"null", b"[]", b"7", b'"text"', b"true", b"{}", b"{", b"\x00", b"\xff"]
    )


def _renamed(random: Random, payload: bytes) -> bytes:
    """As when a producer changes its schema, or makes names of values."""
    event = orjson.loads(payload)
    for name in random.sample(sorted(event), 3):
        event[f"{name}{random.randrange(100)}"] = event.pop(name)
    return orjson.dumps(event)


def _sound(_: Random, payload: bytes) -> bytes:
    return payload


def _large(random: Random, payload: bytes) -> bytes:
    size = _LARGEST_BYTES + random.randint(-2_000, 2_000)
    match random.randrange(3):
        case 0:
            return _with(payload, b"note", b'"' + b"x" * (size - len(payload)) + b'"')
        case 1:
            return _with(payload, b"note", b"[" + b"1," * (size // 2) + b"1]")
        case _:
            fields = b",".join(b'"f%d":1' % number for number in range(size // 12))
            return payload[:-1] + b"," + fields + b"}"


def _with(payload: bytes, name: bytes, value: bytes) -> bytes:
    """The event with the value of a field replaced by these bytes, or with the field."""
    before, found, after = payload.partition(b'"' + name + b'":')
    if not found:
        return payload[:-1] + b',"' + name + b'":' + value + b"}"
    end = min(place for place in (after.find(b","), after.find(b"}")) if place >= 0)
    return before + found + value + after[end:]


WAYS: Mapping[str, Way] = {
    "sound": _sound,
    "mutated bytes": _mutated,
    "cut short": _cut_short,
    "nested": _nested,
    "a number out of bounds": _number,
    "not finite": _not_finite,
    "of another type": _of_another_type,
    "lone surrogates": _surrogates,
    "keys twice": _twice,
    "nulls": _nulls,
    "no object": _no_object,
    "renamed fields": _renamed,
}
