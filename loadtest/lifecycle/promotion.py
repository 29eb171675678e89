"""How often a challenger that is no better is promoted by rule, and how soon one that is.

Champion and challenger have opinions on the labels of a stream whose difficulty drifts. In a null simulation
each of the two opinions is as likely the champion's as the challenger's, so neither is better at any time;
looked at after every label, a promotion is a false one.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from streamsel.learning.promotion import compared, score
from streamsel.records import PromotionRule

RULES = (PromotionRule("log_loss", least_labels=50), PromotionRule("accuracy", least_labels=50))
LABELS = 3_000
GAIN = 0.05
"""By which the better challenger's probability of the right answer is higher, where there is one."""
BETTER = 50
"""Simulations in which it is."""


def measure(simulations: int, progress: Callable[[float], None]) -> dict[str, Any]:
    """``progress`` gets the share done."""
    falsely = 0
    for seed in range(simulations):
        falsely += _promoted_after(seed, RULES[seed % 2], 0.0) is not None
        progress(seed / (simulations + BETTER))
    needed = [_promoted_after(seed, RULES[seed % 2], GAIN) or LABELS for seed in range(BETTER)]
    return {
        "false_promotion_rate": falsely / simulations,
        "false_promotion_simulations": simulations,
        "labels_to_promote_median": statistics.median(needed),
    }


def _promoted_after(seed: int, rule: PromotionRule, gain: float) -> int | None:
    """Labels until the challenger is promoted; ``None`` if it never is."""
    draws = np.random.default_rng(seed)
    easiness = 0.75 + 0.15 * np.sin(np.arange(LABELS) / 200.0)
    certain = np.clip(easiness[:, None] + draws.normal(0.0, 0.25, (LABELS, 2)), 0.02, 0.98)
    swapped = draws.random(LABELS) < 0.5
    certain[swapped] = certain[swapped][:, ::-1]
    certain[:, 1] = np.clip(certain[:, 1] + gain, 0.02, 0.98)
    champion, challenger = (
        np.array([score(rule, np.array([1.0 - one, one]), 1) for one in column]) for column in certain.T
    )
    standing = compared(rule, champion, challenger)
    return standing.labels if standing.promoted else None
