"""Agreement and its interval, against the figures of textbooks and against simulated reviewers."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.review.agreement import (
    PRIOR_ACCURACY,
    Comparisons,
    accuracy,
    krippendorff_alpha,
    wilson,
)

NOTHING = Comparisons(0, 0)


def compositions(*reviewers: str) -> Counter[tuple[str, ...]]:
    """Reviewers' labels as strings, one character a query, ``.`` where one did not answer."""
    return Counter(
        tuple(sorted(label for label in labels if label != ".")) for labels in zip(*reviewers, strict=True)
    )


@pytest.mark.parametrize(
    ("right", "asked", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_as_tabulated(right: int, asked: int, low: float, high: float) -> None:
    """R. G. Newcombe, Statistics in Medicine 17, 1998, table I, method 3."""
    assert wilson(right, asked) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_an_interval_holds_its_share(right: int, wrong: int) -> None:
    """And lies in [0, 1], the mirror image of the interval of the wrong answers."""
    low, high = wilson(right, right + wrong)
    share = right / (right + wrong) if right + wrong else 0.5
    assert 0.0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1.0
    assert wilson(wrong, right + wrong) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(
    ("reviewers", "alpha"),
    [
        (("0100000010", "1110010000"), 0.095),
        (("aabbdcccedda", "babbbccceddd"), 0.692),
        (("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 0.743),
    ],
)
def test_alpha_as_in_the_textbook(reviewers: tuple[str, ...], alpha: float | None) -> None:
    """K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011: binary, nominal, and
    nominal with missing answers."""
    assert krippendorff_alpha(compositions(*reviewers)) == pytest.approx(alpha, abs=5e-4)


def test_alpha_at_its_ends() -> None:
    """1 for perfect agreement, nothing where nothing can be compared or nothing could differ."""
    assert krippendorff_alpha(compositions("abab", "abab")) == pytest.approx(1.0)
    assert krippendorff_alpha(compositions("abab", "....")) is None
    assert krippendorff_alpha(compositions("aaaa", "aaaa")) is None
    assert krippendorff_alpha({}) is None


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(2, 9))
def test_an_accuracy_is_a_probability_and_gold_moves_it_the_right_way(
    right: int, wrong: int, alike: int, unlike: int, labels: int
) -> None:
    """Whatever was seen; one right answer more never makes it less."""
    own = Comparisons(alike, alike + unlike)
    before = accuracy(right, right + wrong, own, own, labels)
    assert 0.0 < before < 1.0
    assert accuracy(right + 1, right + wrong + 1, own, own, labels) > before
    assert accuracy(right, right + wrong + 1, own, own, labels) < before


def test_of_nobody_known_the_prior_is_believed() -> None:
    """And a few gold questions move it only so far."""
    assert accuracy(0, 0, NOTHING, NOTHING, 2) == PRIOR_ACCURACY
    assert accuracy(2, 2, NOTHING, NOTHING, 2) == pytest.approx(10 / 12)
    assert accuracy(0, 2, NOTHING, NOTHING, 2) == pytest.approx(8 / 12)


@pytest.mark.parametrize("labels", [2, 4])
def test_accuracies_are_found_from_agreement_alone(labels: int) -> None:
    """Five simulated reviewers whose errors favour no label: each estimate comes within 0.03 of the truth."""
    truths = (0.95, 0.9, 0.85, 0.75, 0.6)
    draw = random.Random(4)
    alike, pairs = Counter[int](), Counter[int]()
    for _ in range(3_000):
        said = [0 if draw.random() < truth else draw.randrange(1, labels) for truth in truths]
        for one, other in combinations(range(len(truths)), 2):
            for who in (one, other):
                pairs[who] += 1
                alike[who] += said[one] == said[other]
    found = []
    for who in range(len(truths)):
        others = Comparisons(alike.total() // 2 - alike[who], pairs.total() // 2 - pairs[who])
        found.append(accuracy(0, 0, Comparisons(alike[who], pairs[who]), others, labels))
    assert found == pytest.approx(truths, abs=0.03)
