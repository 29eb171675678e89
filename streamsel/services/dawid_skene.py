"""How reviewers err, estimated from their answers alone, by crowd-kit.

A. P. Dawid and A. M. Skene, Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm,
Applied Statistics 28, 1979: each reviewer has a probability of saying k where the truth is j. These
probabilities, the labels' shares and the truth of every question are found together; the truth of gold
questions is given.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streamsel.review.panel import PanelAnswer

ITERATIONS = 100


class NotInstalled(Exception):
    """crowd-kit is an extra. The message says how to get it."""


@dataclass(frozen=True, slots=True)
class Errors:
    """How one reviewer answers."""

    accuracy: float
    """The probability of being right about a question like those asked."""
    confusion: Mapping[str, Mapping[str, float]]
    """By true label: the probability of each answer; labels nobody ever gave are left out."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the answers together tell."""

    shares: Mapping[str, float]
    """Of the labels, among the questions."""
    reviewers: Mapping[str, Errors]


def dawid_skene(answers: Sequence[PanelAnswer], truths: Mapping[str, str]) -> Estimate:
    """The estimate; of nobody when there are no answers. Deterministic. Raises ``NotInstalled``."""
    try:
        import pandas as pd
        from crowdkit.aggregation import DawidSkene
    except ImportError as missing:
        raise NotInstalled(
            f"{missing.name} is not installed: pip install 'streamsel[quality]' adds Dawid–Skene estimates"
        ) from None
    if not answers:
        return Estimate({}, {})
    table = pd.DataFrame(answers, columns=["task", "worker", "label"])
    given = set(table["label"])
    known = {question: label for question, label in truths.items() if label in given}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # crowd-kit calls pandas in ways that newer ones discourage
        found = DawidSkene(n_iter=ITERATIONS).fit(table, pd.Series(known, dtype=object) if known else None)
    shares = {str(label): float(share) for label, share in found.priors_.items()}
    by_reviewer: dict[str, dict[str, dict[str, float]]] = {}
    for (reviewer, answer), row in found.errors_.iterrows():
        confusion = by_reviewer.setdefault(reviewer, {truth: {} for truth in shares})
        for truth, probability in row.items():
            confusion[truth][answer] = float(probability)
    return Estimate(
        shares,
        {
            reviewer: Errors(
                sum(shares[truth] * given.get(truth, 0.0) for truth, given in confusion.items()), confusion
            )
            for reviewer, confusion in sorted(by_reviewer.items())
        },
    )
