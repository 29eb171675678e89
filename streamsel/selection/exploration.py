"""How many of the queries are drawn at random."""

from __future__ import annotations

from streamsel.records import Experience

SETTLED, UNSETTLED = 0.3, 0.7
"""The share of queries drawn at random by a model that knows its classes, and by one that does not."""
MANY = 300
"""Labels that make a training set."""
EVEN = 0.3
"""A class with less than this part of an even share of the labels begins to count as rare."""


def explored_share(experience: Experience) -> float:
    """The share of queries to draw at random: more while labels are few, or a class is rare among them.

    What a young model, or one that has hardly met a class, is sure of may be wrong everywhere alike; only
    random draws find that. Uncertainty pays once they have drawn the outlines.
    """
    classes = len(experience.counts)
    if classes < 2:
        return UNSETTLED
    rarest = (min(experience.counts) + 0.5) / (experience.labels + 0.5 * classes)
    rareness = max(1.0 - rarest * classes / EVEN, 0.0)
    youth = max(1.0 - experience.labels / MANY, 0.0)
    return SETTLED + (UNSETTLED - SETTLED) * min(max(rareness, youth), 1.0)
