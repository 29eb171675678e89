"""How well reviewers agree, with one another and with the truth.

Throughout, a composition is the sorted labels that one query got from several reviewers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

PRIOR_ACCURACY = 0.8
PRIOR_QUESTIONS = 10.0
"""A reviewer nobody knows is taken to be right so often, as surely as after so many gold questions."""
_Z = 1.959963984540054
"""Of a two-sided interval of 95 %."""


class Interval(NamedTuple):
    """Where a share lies, with 95 % confidence."""

    low: float
    high: float


def wilson(right: int, asked: int) -> Interval:
    """The score interval of a share, which keeps its promise for few questions and for shares near 0 and 1;
    [0, 1] when nothing was asked. (E. B. Wilson, Probable Inference, the Law of Succession, and Statistical
    Inference, Journal of the American Statistical Association 22, 1927.)"""
    if asked == 0:
        return Interval(0.0, 1.0)
    share, spread = right / asked, _Z * _Z / asked
    centre = (share + spread / 2.0) / (1.0 + spread)
    half = _Z * sqrt(share * (1.0 - share) / asked + spread / (4.0 * asked)) / (1.0 + spread)
    return Interval(max(centre - half, 0.0), min(centre + half, 1.0))


def krippendorff_alpha(compositions: Mapping[tuple[str, ...], int]) -> float | None:
    """Agreement beyond chance for nominal labels and any number of reviewers a query: 1 is perfect, 0 what
    chance would bring. ``compositions`` counts queries; those with fewer than two labels tell nothing.

    ``None`` when no two labels can be compared, or all are the same, so that chance would agree as well.
    (K. Krippendorff, Content Analysis, 4th ed., 2019, chapter 12: α = 1 − observed / expected disagreement.)
    """
    totals: Counter[str] = Counter()
    disagreement = 0.0
    for composition, queries in compositions.items():
        size = len(composition)
        if size < 2:
            continue
        counts = Counter(composition)
        for label, count in counts.items():
            totals[label] += count * queries
            disagreement += queries * count * (size - count) / (size - 1)
    values = totals.total()
    expected = sum(count * (values - count) for count in totals.values())
    return 1.0 - (values - 1) * disagreement / expected if expected else None


@dataclass(frozen=True, slots=True)
class Comparisons:
    """How often opinions on one query were alike, of how many pairs."""

    alike: int
    pairs: int

    def beyond_chance(self, labels: int) -> float:
        """Agreement on a scale from 0 for chance among ``labels`` to 1, shrunk to what two unknown reviewers
        would have."""
        prior = _skill_of(PRIOR_ACCURACY, labels) ** 2
        agreed = self.alike - (self.pairs - self.alike) / (labels - 1)
        return max((prior * PRIOR_QUESTIONS + agreed) / (PRIOR_QUESTIONS + self.pairs), 0.0)


def accuracy(gold_right: int, gold_asked: int, own: Comparisons, others: Comparisons, labels: int) -> float:
    """The probability that a reviewer is right, from gold questions and agreement with others, shrunk to the
    prior; in (0, 1). ``own`` are comparisons with others, ``others`` those of others with one another.

    Call skill s = (p − 1/K) / (1 − 1/K) for one who is right with probability p among K ``labels``. Two
    independent reviewers whose errors favour no label then agree, on the same scale, with s₁ s₂ (the one-coin
    model of A. P. Dawid and A. M. Skene, Maximum Likelihood Estimation of Observer Error-Rates Using the EM
    Algorithm, Applied Statistics 28, 1979). So the others' agreement is the square of their mean skill, and
    one's own agreement over that is one's own skill (T. Bonald and R. Combes, A Minimax Optimal Algorithm for
    Crowdsourcing, NIPS 2017). A comparison tells as much as s² gold questions, s being the others' skill.
    """
    square = others.beyond_chance(labels)
    asked, right = PRIOR_QUESTIONS + gold_asked, PRIOR_QUESTIONS * PRIOR_ACCURACY + gold_right
    if own.pairs and square > 0.0:
        agreed = (own.alike - (own.pairs - own.alike) / (labels - 1)) / own.pairs
        skill = min(max(agreed / sqrt(square), 0.0), 1.0)
        asked += square * own.pairs
        right += square * own.pairs * (1.0 + skill * (labels - 1)) / labels
    return right / asked


def _skill_of(probability: float, labels: int) -> float:
    return (probability - 1.0 / labels) / (1.0 - 1.0 / labels)
