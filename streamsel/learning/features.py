"""What a model takes from an event: numbers, categories and words, each finite and bounded."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from streamsel.records import Value

LARGEST_NUMBER = 1e100
"""Larger numbers are taken for this one: their squares, which variances are made of, would overflow."""
BUCKETS = 2**18
"""How many different words a linear model tells apart."""
TEXT_NORM = 3.0
"""Length of a text's vector: a text weighs about as much as nine standardised numbers. Of 1, 2, 3 and 5 the
best on 3 % to 100 % of a spam collection's labels."""

_LONGEST_TEXT = 20_000
_LONGEST_CATEGORY = 256
_WORD = re.compile(r"\w+")


class Parts(NamedTuple):
    """One event's features by kind. Booleans are the numbers 0 and 1."""

    numbers: dict[str, float]
    categories: dict[str, str]
    """By feature, the name of its value: ``feature=value``."""
    words: list[str]


def present(features: Mapping[str, Value]) -> dict[str, Value]:
    """What is there, by sorted names: a model's input is the same wherever it comes from."""
    names = sorted(features)
    if None not in features.values():
        return {name: features[name] for name in names}
    return {name: features[name] for name in names if features[name] is not None}


def parts(features: Mapping[str, Value], text: str | None) -> Parts:
    """Splits ``features`` by the kind of each value, whatever it was in other events; ``text`` names the
    feature that holds free text. Raises ``ValueError`` or ``TypeError`` for a value that is neither."""
    numbers: dict[str, float] = {}
    categories: dict[str, str] = {}
    found: list[str] = []
    for name, value in features.items():
        if type(value) is float and -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
            numbers[name] = value
        elif isinstance(value, str):
            if name == text:
                found = words(value)
            else:
                categories[name] = category(name, value)
        elif value is not None:
            ordinary = -LARGEST_NUMBER <= value <= LARGEST_NUMBER
            numbers[name] = float(value) if ordinary else number(name, value)
    return Parts(numbers, categories, found)


def number_table(
    events: Sequence[Mapping[str, Value]],
) -> tuple[tuple[str, ...], NDArray[np.float64]] | None:
    """What ``parts`` finds in each of one or more events that hold nothing but numbers: their names, and
    (events, names) with NaN for what is missing. ``None`` where any holds a string or a NaN, and where there
    is no name."""
    names = tuple(events[0])
    values: list[Any]
    if all(tuple(event) == names for event in events):
        values = list(chain.from_iterable(event.values() for event in events))
    else:
        names = tuple(sorted(set().union(*events)))
        values = [event.get(name) for event in events for name in names]
    if not names:
        return None
    missing = values.count(None)
    if missing:
        values = [math.nan if value is None else value for value in values]
    try:
        found = np.array(array("d", values))
    except (TypeError, OverflowError):
        return None
    if np.count_nonzero(np.isnan(found)) > missing:
        return None
    np.clip(found, -LARGEST_NUMBER, LARGEST_NUMBER, out=found)
    return names, found.reshape(len(events), len(names))


def number(name: str, value: float) -> float:
    """``value`` within ±``LARGEST_NUMBER``. Raises ``ValueError`` for NaN."""
    bounded = float(min(max(value, -LARGEST_NUMBER), LARGEST_NUMBER))
    if bounded != bounded:
        raise ValueError(f"feature '{name}' is NaN; leave a missing value out")
    return bounded


def category(name: str, value: str) -> str:
    """A category's name. Values that differ only beyond their first 256 characters are one category."""
    return f"{name}={value[:_LONGEST_CATEGORY]}"


def words(text: str) -> list[str]:
    """The lower-cased words of the first 20,000 characters, in order."""
    return _WORD.findall(text[:_LONGEST_TEXT].lower())


def word_vector(found: list[str]) -> dict[int, float]:
    """Counts by hash bucket, scaled to the length ``TEXT_NORM``. (K. Weinberger et al., Feature Hashing for
    Large Scale Multitask Learning, ICML 2009.)"""
    if not found:
        return {}
    digest = xxhash.xxh3_64_intdigest
    counts = Counter(digest(word.encode("utf-8", "surrogatepass")) % BUCKETS for word in found)
    scale = TEXT_NORM / sum(count * count for count in counts.values()) ** 0.5
    return {bucket: count * scale for bucket, count in counts.items()}
