"""What the labels learned so far tell of the model: how ``records.Experience`` comes about."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log, nan
from operator import mul
from typing import Any, NamedTuple

from streamsel.records import Experience, Lane

FADE = 0.98
"""What a label still counts for in the means after one more of its lane: the last fifty or so decide."""
LEAST_PROBABILITY = 1e-3
"""A label held for less likely than this costs no more than this: one surprise must not drown the rest."""


class FadedMean(NamedTuple):
    """A mean in which every value counts ``FADE`` times what the next one does."""

    total: float = 0.0
    weight: float = 0.0

    def add(self, values: Iterable[float]) -> FadedMean:
        """The mean with these values more, one after the other."""
        total, weight = self
        for value in values:
            total, weight = FADE * total + value, FADE * weight + 1.0
        return FadedMean(total, weight)

    @property
    def value(self) -> float:
        """NaN before the first."""
        return self.total / self.weight if self.weight else nan


_NOTHING = FadedMean()


class Answer(NamedTuple):
    """A label, as it is tallied.

    What is judged is the prediction made when the event was decided: a label that took days is no easier for
    it. One that says nothing sound is an even chance. Lane ``none``, for seeds and labels nobody was asked
    for, only counts.
    """

    label: Hashable
    lane: Lane
    predicted: Mapping[Any, float]


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

    def learned(
        self, label: Hashable, labels: Sequence[Hashable], lane: Lane, predicted: Mapping[Any, float]
    ) -> Tally:
        """The tally with one label more, which must be one of ``labels``."""
        return self.learned_all([Answer(label, lane, predicted)], labels)

    def learned_all(self, answers: Iterable[Answer], labels: Sequence[Hashable]) -> Tally:
        """The tally with these labels more, one after the other; all must be among ``labels``."""
        counts = list(self.counts)
        places = {label: place for place, label in enumerate(labels)}
        explored, prior_loss, uncertain, entropy = [], [], [], []
        for label, lane, predicted in answers:
            index = places[label]
            if lane != "none":
                shares = shares_of(predicted, labels) or [1.0 / len(labels)] * len(labels)
                if lane == "uncertain":
                    losses = [-log(max(share, LEAST_PROBABILITY)) for share in shares]
                    uncertain.append(losses[index])
                    entropy.append(sum(map(mul, shares, losses)))
                else:
                    explored.append(-log(max(shares[index], LEAST_PROBABILITY)))
                    # Laplace's rule: a class not met before is unlikely, not impossible.
                    prior = (counts[index] + 1) / (sum(counts) + len(labels))
                    prior_loss.append(-log(max(prior, LEAST_PROBABILITY)))
            counts[index] += 1
        return Tally(
            tuple(counts),
            self.explored_loss.add(explored),
            self.explored_prior_loss.add(prior_loss),
            self.uncertain_loss.add(uncertain),
            self.uncertain_entropy.add(entropy),
        )


def shares_of(opinion: Mapping[Any, float], labels: Sequence[Hashable]) -> list[float] | None:
    """One event's opinion as a distribution, in the order of ``labels``. ``None`` for an opinion that tells
    no two labels apart or is unsound: not finite, negative, or about other labels alone."""
    found = [opinion.get(label, 0.0) for label in labels]
    total = sum(found)
    if len(opinion) < 2 or not 0.0 < total < inf or min(found) < 0.0:
        return None
    return [share / total for share in found]
