"""One label out of the opinions of several reviewers, or none.

``majority``    more than half of them say it.
``unanimous``   all of them say it.
``weighted``    weighed by how reliable each reviewer has been, it is right with a probability of at least
                ``CONFIDENCE``.

A reviewer who is right with probability p weighs log(p (K − 1) / (1 − p)) among K labels. For independent
reviewers whose errors favour no label that is the rule that is right most often, and the sums of weights are
the labels' log odds. (For K = 2: S. Nitzan and J. Paroush, Optimal Decision Rules in Uncertain Dichotomous
Choice Situations, International Economic Review 23, 1982.)

What is not agreed on is disputed, and goes to somebody who has not yet given an opinion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log
from typing import Literal, Protocol, TypeAlias

Rule: TypeAlias = Literal["majority", "unanimous", "weighted"]

CONFIDENCE = 0.75
"""Two against one decide among reviewers who are right four times of five; one against one do not, unless one
is much the better."""
_SUREST = 0.99
"""No reviewer counts as more reliable than that, whatever was measured."""


class Voice(Protocol):
    """What of an opinion counts here."""

    @property
    def label(self) -> str: ...
    @property
    def labelled_by(self) -> str: ...
    @property
    def slot(self) -> int: ...


class Verdict(StrEnum):
    """What the opinions come to."""

    OPEN = "open"
    """Not all are in."""
    AGREED = "agreed"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class Resolution:
    """``label`` is there exactly when it is agreed on; ``labelled_by`` names who was asked, in slot order."""

    verdict: Verdict
    label: str | None = None
    labelled_by: str = ""


def resolve(
    opinions: Iterable[Voice], slots: int, rule: Rule, accuracies: Mapping[str, float], labels: int
) -> Resolution:
    """What the standing opinions on one query, each of another slot, come to; their order does not matter.

    ``slots``, at least one, are how many it was to get. ``accuracies`` are the probabilities with which
    reviewers are right, ``labels`` how many labels there are; both are for the weighted rule. Raises
    ``KeyError`` for a reviewer whose accuracy is not given.
    """
    given = sorted(opinions, key=lambda opinion: opinion.slot)
    if len(given) < slots:
        return Resolution(Verdict.OPEN)
    labelled_by = ",".join(opinion.labelled_by for opinion in given)
    label = _weighted(given, accuracies, labels) if rule == "weighted" else _counted(given, rule)
    verdict = Verdict.DISPUTED if label is None else Verdict.AGREED
    return Resolution(verdict, label, labelled_by)


def weight(accuracy: float, labels: int) -> float:
    """The log odds that a reviewer's word brings; 0 for one no better than chance among ``labels``."""
    certain = min(accuracy, _SUREST)
    return max(log(certain * (labels - 1) / (1.0 - certain)), 0.0) if certain > 0.0 else 0.0


def _counted(opinions: Sequence[Voice], rule: Rule) -> str | None:
    ((label, votes),) = Counter(opinion.label for opinion in opinions).most_common(1)
    needed = len(opinions) if rule == "unanimous" else len(opinions) // 2 + 1
    return label if votes >= needed else None


def _weighted(opinions: Sequence[Voice], accuracies: Mapping[str, float], labels: int) -> str | None:
    sums: dict[str, float] = {}
    for opinion in opinions:
        sums[opinion.label] = sums.get(opinion.label, 0.0) + weight(accuracies[opinion.labelled_by], labels)
    label = max(sums, key=sums.__getitem__)
    unnamed = labels - len(sums)  # with log odds of 0
    total = sum(exp(one - sums[label]) for one in sums.values()) + unnamed * exp(-sums[label])
    return label if 1.0 / total >= CONFIDENCE else None
