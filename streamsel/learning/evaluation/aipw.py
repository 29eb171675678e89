"""What a few labels say of all events, by augmented inverse propensity weighting.

Of each event i, f(i) is wanted: whether its prediction was right, say. The model's own probabilities give
m(i), what it expects f(i) to be, of all events; of those asked about and answered f(i) itself is known. With
π(i) the probability, given what came before, that the event was asked about,

    Σ f  is estimated by  Σ m  over all events  +  Σ (f − m) · ρ / π  over the answered ones

which is unbiased however wrong the model is, as the propensities are exact, and the better the model, the
less noise it has. (J. M. Robins, A. Rotnitzky and L. P. Zhao, JASA 1994.) Each event's own draw decides by a
known probability given the past, so the terms' errors are martingale differences and their variances add up;
each is estimated by (1 − π) (ρ / π · (f − m))².

ρ makes up for queries nobody answered: in each lane, those asked over those answered, as though answers were
missing at random within a lane (response homogeneity groups: C.-E. Särndal, B. Swensson and J. Wretman, Model
Assisted Survey Sampling, 1992, chapter 15.6). That so many were drawn from so many adds its own variance, so
the interval widens with every answer that is missing.

Intervals are Student's, with as many degrees of freedom as terms effectively share the variance (F. E.
Satterthwaite, Biometrics 1946): one heavy term makes for a wide interval.

The value itself is drawn towards a steadier one: among events predicted alike, as sure of it, those chosen
for their utility speak for the others without weights, which is right if being chosen tells nothing more
about them. Where the two differ by d and the weighted one has variance V, it keeps d² / (d² + V) of the
difference: so it never leaves the unbiased value by more than half a standard error, and the interval stays
that of the unbiased one. (E. J. Green and W. E. Strawderman, A James-Stein Type Estimator for Combining
Unbiased and Possibly Biased Estimators, JASA 1991.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.evaluation.sums import ASKED, BINS, Floats, binned

Z = 1.959964
"""Of 95 %."""
LEAST_ANSWERS = 10
"""With fewer there is no interval."""
_RELUCTANCE = 2.0
"""So many answers' worth of what the model expects is in what those of a stratum say."""


class Estimate(NamedTuple):
    """A value with its 95 % interval; NaN where there is nothing to tell from."""

    value: float
    low: float = math.nan
    high: float = math.nan

    def within(self, least: float, most: float) -> Estimate:
        """Cut to what is possible."""
        return Estimate(*(float(min(max(one, least), most)) if one == one else one for one in self))


NOTHING = Estimate(math.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Events whose labels are known, as they were decided. One entry an event."""

    truth: NDArray[np.intp]
    probabilities: Floats
    """(answers, labels), each a distribution."""
    propensities: Floats
    """Positive."""
    lanes: NDArray[np.int8]
    """The gate's codes."""

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def predicted(self) -> NDArray[np.intp]:
        """The most probable label."""
        found: NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return found

    def some(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Answers:
        """Part of them."""
        return Answers(self.truth[rows], self.probabilities[rows], self.propensities[rows], self.lanes[rows])


class Weighing:
    """The answers of a cell, each standing for as many events as it must."""

    def __init__(self, answers: Answers, asked: Floats, histogram: Floats) -> None:
        """``asked`` is how many events were, by lane; ``histogram`` (labels, BINS) how many were predicted as
        each label, by its probability."""
        counts = np.bincount(answers.lanes - 1, minlength=len(ASKED)).astype(np.float64)
        # A query that was summarised by another minute than it was decided in must not count less than one.
        self._asked = np.maximum(asked, counts)
        self._counts = counts
        told = counts > 0
        # Lanes without any answer are made up for by the others.
        share = self._asked.sum() / max(self._asked[told].sum(), 1.0)
        rates = share * self._asked / np.maximum(counts, 1.0)
        self._lanes = answers.lanes - 1
        self._propensities = answers.propensities
        self.weights: Floats = rates[self._lanes] / answers.propensities
        """(answers,)"""
        self.predicted: NDArray[np.intp] = answers.predicted
        """(answers,)"""
        sure = binned(answers.probabilities[np.arange(len(answers)), self.predicted])
        self.strata: NDArray[np.intp] = self.predicted * BINS + sure
        """(answers,), indices into the flat histogram"""
        self._events = histogram.ravel()
        self._speaking = np.bincount(self.strata, minlength=len(self._events)) + _RELUCTANCE

    @property
    def asked(self) -> float:
        """Events asked about."""
        return float(self._asked.sum())

    def total(self, known: float, residuals: Floats, per: float) -> Estimate:
        """(``known`` + Σ residuals over all events) / ``per``, which is taken as exact; with the residuals of
        the answered, (answers,)."""
        if per <= 0.0:
            return NOTHING
        weighed, drawn, half = self.weighed(residuals)
        low, high = known + weighed - half, known + weighed + half
        return Estimate((known + drawn) / per, low / per, high / per)

    def weighed(self, residuals: Floats) -> tuple[float, float, float]:
        """Σ residuals over all events: unbiased, as drawn towards the steadier sum, and half the width of the
        unbiased one's interval, NaN with fewer than ``LEAST_ANSWERS``."""
        terms = self.weights * residuals
        unbiased = float(terms.sum())
        by_draws = (1.0 - self._propensities) * terms**2
        variance = float(by_draws.sum()) + self._missing_variance(residuals / self._propensities)
        gap = unbiased - self._unweighted(residuals)
        drawn = unbiased - gap * (variance / (gap**2 + variance) if variance > 0.0 else 0.0)
        if len(terms) < LEAST_ANSWERS:
            return unbiased, drawn, math.nan
        squares = float((by_draws**2).sum())
        sharing = float(by_draws.sum()) ** 2 / squares if squares > 0.0 else float(len(terms))
        return unbiased, drawn, _student(max(sharing - 1.0, 1.0)) * math.sqrt(variance)

    def _unweighted(self, residuals: Floats) -> float:
        """The sum over all events if the answered of each stratum are like its others."""
        means = np.bincount(self.strata, residuals, len(self._events)) / self._speaking
        return float((means * self._events).sum())

    def _missing_variance(self, expanded: Floats) -> float:
        """Because some of those asked were answered and others not: sampling without replacement."""
        added = 0.0
        for lane, (asked, count) in enumerate(zip(self._asked, self._counts, strict=True)):
            if asked > count > 1:
                spread = float(np.var(expanded[self._lanes == lane], ddof=1))
                added += asked**2 * (1.0 - count / asked) / count * spread
        return added


def _student(freedom: float) -> float:
    """The 97.5 % quantile (M. Abramowitz and I. A. Stegun, 26.7.5, to the third order; below 3 degrees of
    freedom it is too small, by a fifth at 2)."""
    z = Z
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
