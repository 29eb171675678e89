"""Whether active selection pays on a stream: strategies against random sampling, seed by seed.

Runs of one seed differ in nothing but the strategy, so that what a seed brings to both cancels out in their
difference. Accuracy decides, or average precision where the rarest label is so rare that accuracy
says little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from streamsel.backtest.intervals import Interval, interval, points
from streamsel.backtest.outcome import Outcome
from streamsel.backtest.trace import Integers

Measure = Literal["accuracy", "average_precision", "roc_auc"]
MEASURES: dict[Measure, str] = {
    "accuracy": "accuracy",
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
}
RARE = 0.05
"""A label of a smaller share of the events is rare."""
NEGLIGIBLE = 0.005
"""A difference that nobody would notice."""


def measured(outcomes: Sequence[Outcome], measure: str) -> list[float]:
    """One score of each run."""
    return [float(getattr(outcome.scores, measure)) for outcome in outcomes]


def difference(outcomes: Sequence[Outcome], others: Sequence[Outcome], measure: str) -> Interval:
    """How much better the first are than the second, which ran under the same seeds in the same order."""
    pairs = zip(measured(outcomes, measure), measured(others, measure), strict=True)
    return interval([one - other for one, other in pairs])


def deciding_measure(truth: Integers) -> Measure:
    """What the verdict goes by on events of these labels."""
    counts = np.bincount(truth)
    return "average_precision" if counts[counts > 0].min() < RARE * len(truth) else "accuracy"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the runs say, in words."""

    pays: Literal["yes", "no", "unclear"]
    headline: str
    reasons: Sequence[str]


def verdict(
    strategy: str, selected: Sequence[Outcome], random: Sequence[Outcome], decides: Measure
) -> Verdict:
    """Whether ``strategy`` pays against random sampling under the same seeds."""
    gain = difference(selected, random, decides)
    asked, drawn = (interval(measured(outcomes, decides)).mean for outcomes in (selected, random))
    name = MEASURES[decides]
    compared = f"{asked:.3f} with {strategy}, {drawn:.3f} with random labels"
    reasons = [f"{name[0].upper()}{name[1:]} {compared}: {points(gain)}."]
    if math.isnan(gain.low):
        reasons.append("One seed can't tell a gain from luck; run more with --seeds 5.")
        return Verdict(
            "unclear", "One run does not show whether active selection pays on this stream", reasons
        )
    pays: Literal["yes", "no", "unclear"]
    if max(-gain.low, gain.high) < NEGLIGIBLE:
        pays, headline = "no", "Active selection does not pay on this stream: random labels do as well"
    elif gain.low > 0:
        pays, headline = "yes", "Active selection pays on this stream"
    elif gain.high < 0:
        pays, headline = "no", "Active selection does not pay on this stream: it is worse than random labels"
    else:
        pays, headline = "unclear", "These runs do not show that active selection pays on this stream"
        reasons.append("The interval holds zero; more seeds would narrow it.")
    reasons += _elsewhere(selected, random, decides)
    if pays == "no":
        reasons.append(
            "Ask about random events (--strategy random): their labels also evaluate a model fairly."
        )
    return Verdict(pays, headline, reasons)


def _elsewhere(selected: Sequence[Outcome], random: Sequence[Outcome], decides: Measure) -> list[str]:
    """What is gained or lost in the measures that don't decide."""
    reasons = []
    for measure, name in MEASURES.items():
        change = difference(selected, random, measure)
        if measure != decides and (change.low > 0 or change.high < 0):
            reasons.append(f"It {'gains' if change.low > 0 else 'costs'} {name}: {points(change)}.")
    return reasons


@dataclass(frozen=True, slots=True)
class Equivalent:
    """How many random labels are worth as much as a strategy's."""

    labels: float
    bound: Literal["about", "more than", "fewer than"]
    """Beyond the rungs that were run, only that much is known."""


def equal_quality(quality: float, rungs: Sequence[tuple[float, float]]) -> Equivalent:
    """Random labels needed for a ``quality``, from (labels, quality) of random runs.

    Linear in the logarithm of the labels between two rungs; quality is taken never to fall with more labels
    (the running maximum).
    """
    ordered = sorted(rungs)
    labels = np.array([labels for labels, _ in ordered], dtype=np.float64)
    qualities = np.maximum.accumulate([quality for _, quality in ordered])
    if quality > qualities[-1]:
        return Equivalent(float(labels[-1]), "more than")
    if quality < qualities[0]:
        return Equivalent(float(labels[0]), "fewer than")
    above = int(np.searchsorted(qualities, quality, side="left"))
    if above == 0 or qualities[above] == quality:
        return Equivalent(float(labels[above]), "about")
    share = (quality - qualities[above - 1]) / (qualities[above] - qualities[above - 1])
    return Equivalent(float(labels[above - 1] * (labels[above] / labels[above - 1]) ** share), "about")
