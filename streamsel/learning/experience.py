"""What the labels learned so far tell of the model: see ``records.Experience``."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from streamsel.learning.shares import shares_of
from streamsel.records import Experience, Label

FADE = 0.98
"""What a label still counts for in the means after one more of its lane: the last fifty or so decide."""
LEAST_PROBABILITY = 1e-3
"""A label held for less likely than this costs no more than this: one surprise must not drown the rest."""


class FadedMean(NamedTuple):
    """A mean in which every value counts ``FADE`` times what the next one does."""

    total: float = 0.0
    weight: float = 0.0

    def add(self, value: float) -> FadedMean:
        """The mean with one value more."""
        return FadedMean(FADE * self.total + value, FADE * self.weight + 1.0)

    @property
    def value(self) -> float:
        """NaN before the first."""
        return self.total / self.weight if self.weight else math.nan


_NOTHING = FadedMean()


@dataclass(frozen=True, slots=True)
class Tally:
    """From label to label, what an ``Experience`` is made of."""

    counts: tuple[int, ...]
    """By class, in the spec's order."""
    explored_loss: FadedMean = _NOTHING
    explored_prior_loss: FadedMean = _NOTHING
    uncertain_loss: FadedMean = _NOTHING
    uncertain_entropy: FadedMean = _NOTHING

    @property
    def experience(self) -> Experience:
        """As others read it."""
        return Experience(
            self.counts if any(self.counts) else (),
            self.explored_loss.value,
            self.explored_prior_loss.value,
            self.uncertain_loss.value,
            self.uncertain_entropy.value,
        )

    def learned(self, label: Label, labels: tuple[str, ...]) -> Tally:
        """The tally with one label more, which must be one of ``labels``.

        The prediction judged is the recorded one, made when the event was decided: a label that took days is
        no easier for it. Nothing sound recorded is an even chance. A seed only counts, its event was never
        predicted.
        """
        index = labels.index(label.label)
        counts = (*self.counts[:index], self.counts[index] + 1, *self.counts[index + 1 :])
        if label.source == "seed" or label.lane == "none":
            return replace(self, counts=counts)
        predicted = shares_of(label.probabilities, labels) or [1.0 / len(labels)] * len(labels)
        loss = _loss(predicted[index])
        if label.lane == "uncertain":
            entropy = sum(share * _loss(share) for share in predicted)
            return replace(
                self,
                counts=counts,
                uncertain_loss=self.uncertain_loss.add(loss),
                uncertain_entropy=self.uncertain_entropy.add(entropy),
            )
        # Laplace's rule: a class not met before is unlikely, not impossible.
        prior = (self.counts[index] + 1) / (sum(self.counts) + len(labels))
        return replace(
            self,
            counts=counts,
            explored_loss=self.explored_loss.add(loss),
            explored_prior_loss=self.explored_prior_loss.add(_loss(prior)),
        )


def _loss(probability: float) -> float:
    """In nats."""
    return -math.log(max(probability, LEAST_PROBABILITY))
