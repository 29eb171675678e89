"""Whether a challenger is better than the champion, by a test that may be looked at after every label.

Both predict each label of the explore lane, a random sample of the stream, before they learn it. Of the
differences δ in [−1, 1] of their scores the wealth

    W = mean over bets λ of Π (1 + λ (δ − margin))

of a gambler who bets that the challenger is better by more than the margin is a non-negative supermartingale
if it is not, starting at 1. It so exceeds 1 / error_rate at any time with probability error_rate at most
(Ville's inequality), however long and often one looks. (I. Waudby-Smith and A. Ramdas, Estimating means of
bounded random variables by betting, JRSS B 86, 2024, with a fixed mixture of bets.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamsel.records import PromotionRule

Floats = NDArray[np.float64]

LEAST_PROBABILITY = 0.05
"""Log losses are cut at that of this probability, so that differences are bounded, and one certain mistake
does not decide for long."""
LARGEST_LOSS = -math.log(LEAST_PROBABILITY)
_BETS = np.array([0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64])
"""Shares of the largest bet that can't ruin: small ones find small differences, in more labels."""


def score(rule: PromotionRule, probabilities: Floats, label: int) -> float:
    """Of a prediction (labels,) for an event of this label: higher is better, in [0, 1]. The largest counts
    as the answer; no opinion, being empty or NaN, is an even chance."""
    labels = len(probabilities)
    sound = labels > 0 and bool(np.isfinite(probabilities).all())
    if rule.metric == "accuracy":
        return float(sound and int(np.argmax(probabilities)) == label)
    given = float(probabilities[label]) if sound else 1.0 / max(labels, 2)
    return 1.0 + math.log(max(given, LEAST_PROBABILITY)) / LARGEST_LOSS


@dataclass(frozen=True, slots=True)
class Standing:
    """How a comparison stands."""

    labels: int
    """Compared."""
    gain: float
    """Mean by which the challenger was better a label: a share of right answers, or nats."""
    wealth: float
    """The gambler's; promotion needs ``1 / error_rate``."""
    promoted: bool

    def evidence(self) -> dict[str, float]:
        """As a promotion's directive carries it."""
        return {"labels": float(self.labels), "gain": self.gain, "wealth": self.wealth}


def compared(rule: PromotionRule, champion: Floats, challenger: Floats) -> Standing:
    """Of the two scores (labels,) in log order: where it stands after the last label, or after the one at
    which the challenger was promoted."""
    unit = 1.0 if rule.metric == "accuracy" else LARGEST_LOSS
    margin = rule.margin / unit
    differences = challenger - champion
    bets = _BETS / (1.0 + margin)
    paths = np.cumsum(np.log1p(np.outer(differences - margin, bets)), axis=0)
    # Beyond what a float holds, how much more does not matter.
    wealths = np.exp(np.minimum(paths, 700.0)).mean(axis=1)
    enough = np.arange(1, len(wealths) + 1) >= rule.least_labels
    reached = np.flatnonzero(enough & (wealths >= 1.0 / rule.error_rate))
    labels = int(reached[0]) + 1 if reached.size else len(wealths)
    if not labels:
        return Standing(0, 0.0, 1.0, False)
    gain = unit * float(differences[:labels].mean())
    return Standing(labels, gain, float(wealths[labels - 1]), bool(reached.size))
