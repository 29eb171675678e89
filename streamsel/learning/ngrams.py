"""Words, pairs of words and pieces of words as hash buckets, for many texts at once.

Every n-gram's hash is a difference of two prefix sums (R. M. Karp and M. O. Rabin, Efficient Randomized
Pattern-Matching Algorithms, IBM Journal 31, 1987, over the integers modulo 2^64), so no text is ever taken
apart in Python.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LONGEST_TEXT = 5_000
"""Characters that count; of a longer text its beginning."""
LARGEST_STRETCH = 2**15
"""Characters of prepared texts that one call takes, so that memory stays bounded."""

_PIECES = (3, 4, 5)
"""Lengths of the pieces of a word, the space before and after it included."""
_TOKEN = re.compile(r"\w+|[^\w\s]")
_SPACE, _FIRST_DIGIT, _LAST_DIGIT = 32, 48, 57

_MULTIPLIER = 0x9E3779B97F4A7C15
_POWERS = np.full(LARGEST_STRETCH + 1, _MULTIPLIER, np.uint64)
_POWERS[0] = 1
np.multiply.accumulate(_POWERS, out=_POWERS)
_INVERSES = np.full(LARGEST_STRETCH + 1, pow(_MULTIPLIER, -1, 2**64), np.uint64)
_INVERSES[0] = 1
np.multiply.accumulate(_INVERSES, out=_INVERSES)
_KINDS = np.arange(1, len(_PIECES) + 3, dtype=np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F >> 3)
_MIXER = np.uint64(0xD6E8FEB86659FD93)


class Ngrams(NamedTuple):
    """One entry an n-gram, as often as it occurs."""

    rows: NDArray[np.int64]
    """The text it is from."""
    buckets: NDArray[np.int64]


def prepared(text: str) -> str:
    """Lower-cased words and signs, with one space before and after each."""
    return f" {' '.join(_TOKEN.findall(text[:LONGEST_TEXT].lower()[:LONGEST_TEXT]))} "


def stretches(texts: Sequence[str]) -> list[slice]:
    """Cuts prepared texts into stretches that ``ngrams`` takes."""
    cuts, length = [0], 0
    for index, text in enumerate(texts):
        length += len(text)
        if length > LARGEST_STRETCH:
            cuts.append(index)
            length = len(text)
    return [slice(start, end) for start, end in zip(cuts, [*cuts[1:], len(texts)], strict=True)]


def ngrams(texts: Sequence[str], bits: int) -> Ngrams:
    """The words, pairs of neighbouring words and pieces of three to five characters of prepared texts, each
    in one of 2^``bits`` buckets. All ASCII digits are one digit: that there is a number of five figures tells
    more than which."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    codes[(codes >= _FIRST_DIGIT) & (codes <= _LAST_DIGIT)] = _FIRST_DIGIT
    count = len(codes)
    row_of = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    space = codes == _SPACE
    begins = np.flatnonzero(space[:-1] & ~space[1:]) + 1
    ends = np.flatnonzero(~space[:-1] & space[1:]) + 1
    pairs = row_of[begins[:-1]] == row_of[begins[1:]]
    spans = [(begins, ends), (begins[:-1][pairs], ends[1:][pairs])]
    spaces = np.zeros(count + 1, np.int64)
    np.cumsum(space, out=spaces[1:])
    for length in _PIECES:
        # A piece may begin and end with a space and has none within.
        places = max(count - length + 1, 0)
        starts = np.flatnonzero(spaces[length - 1 : length - 1 + places] == spaces[1 : 1 + places])
        spans.append((starts, starts + length))

    sums = np.zeros(count + 1, np.uint64)
    np.cumsum(codes * _POWERS[:count], out=sums[1:])
    starts = np.concatenate([start for start, _ in spans])
    hashes = sums[np.concatenate([end for _, end in spans])]
    hashes -= sums[starts]
    hashes *= _INVERSES[starts]
    # The same characters as a word and as a piece are two features.
    hashes += np.repeat(_KINDS, [len(start) for start, _ in spans])
    hashes ^= hashes >> np.uint64(32)
    hashes *= _MIXER
    hashes >>= np.uint64(64 - bits)
    return Ngrams(row_of[starts], hashes.astype(np.int64))
