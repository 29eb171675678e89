"""What an acquisition function sees of a micro-batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from streamsel.records import Experience

Floats: TypeAlias = NDArray[np.float64]


class Recent(NamedTuple):
    """A bounded sample of the events before this micro-batch, biased to the latest."""

    points: Floats
    """(sample, dimensions)"""
    probabilities: Floats
    """(sample, classes), as predicted when they arrived; NaN where classes were not told apart yet."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The events of a micro-batch, in columns. What an acquisition function does not use may be ``None``.

    Probabilities of shape (events, classes) have rows that sum to 1. Fewer than two classes: nothing is
    known yet. A row of NaN: the model has no opinion on that event.
    """

    probabilities: Floats
    members: Floats | None = None
    """(members, events, classes): the opinions of a committee; rows may be NaN as well."""
    weights: Floats | None = None
    """(members,), not negative, summing to 1."""
    points: Floats | None = None
    """(events, dimensions): the events as points of a space where Euclidean distance means something; every
    dimension standardised over the events seen so far, and nothing in it NaN."""
    recent: Recent | None = None
    asked: Floats | None = None
    """(asked, dimensions): points of the latest events asked about, answered or still pending; bounded."""
    experience: Experience = field(default_factory=Experience)

    def __len__(self) -> int:
        return len(self.probabilities)


Acquisition: TypeAlias = Callable[[Candidates], Floats]
"""Candidates to utilities of shape (events,), in [0, 1]: how much a label would teach. Where the model knows
nothing, or has no opinion on an event, the utility is 1."""
