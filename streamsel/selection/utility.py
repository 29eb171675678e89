"""Uncertainty by probabilities alone, for callers that have nothing else of an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from streamsel.selection.acquisition import uncertainty
from streamsel.selection.candidates import Candidates, Floats

Utility: TypeAlias = Callable[[Floats], Floats]
"""(events, classes) probabilities to (events,) utilities."""


def least_confidence(probabilities: Floats) -> Floats:
    """See ``uncertainty.least_confidence``."""
    return uncertainty.least_confidence(Candidates(probabilities))


def margin(probabilities: Floats) -> Floats:
    """See ``uncertainty.margin``."""
    return uncertainty.margin(Candidates(probabilities))


def entropy(probabilities: Floats) -> Floats:
    """See ``uncertainty.entropy``."""
    return uncertainty.entropy(Candidates(probabilities))


UTILITIES: dict[str, Utility] = {
    "least_confidence": least_confidence,
    "margin": margin,
    "entropy": entropy,
}
"""By query strategy name."""
