"""From predictions to decisions: utility, constraints, gate, and what has to be remembered of the stream.

    probabilities ► utility ► ruling (rules, quotas, duplicates, costs) ► gate ► lanes, propensities
                       ▲ points of recent events and of queries, pending ones included

The service, the backtest, the pool and the library's sampler all decide by this one class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from streamsel.records import Experience, FeatureTable
from streamsel.selection.acquisition import resolve
from streamsel.selection.candidates import Candidates, Floats
from streamsel.selection.capacity import QueryRate
from streamsel.selection.cold_start import ColdStart
from streamsel.selection.constraints import Constraints, ConstraintSettings
from streamsel.selection.draws import draws, holdout_draws
from streamsel.selection.exploration import explored_share
from streamsel.selection.gate import Gate, GateDecisions
from streamsel.selection.opening import Opening
from streamsel.selection.points import Space
from streamsel.selection.reservoirs import Reservoir, Ring

HYBRID = "hybrid"
_SPATIAL = frozenset({"points", "recent", "asked"})


@dataclass(frozen=True, slots=True)
class StrategySettings:
    """How to select."""

    strategy: str = HYBRID
    """See ``acquisition.resolve``."""
    window: int = 500
    """Recent events whose utilities set the threshold."""
    seed: int = 0
    """Of the draws."""
    text: str | None = None
    """The feature that holds free text."""
    constraints: ConstraintSettings = field(default_factory=ConstraintSettings)


@dataclass(frozen=True, slots=True)
class Scored:
    """A micro-batch with the model's opinion on it; one entry an event."""

    ids: Sequence[str]
    table: FeatureTable
    labels: tuple[str, ...]
    probabilities: Floats
    """(events, labels), or (events, 0) while the model tells no two labels apart."""
    segments: Sequence[Mapping[str, str]] | None = None
    members: Floats | None = None
    """(members, events, labels), where the model is a committee."""
    weights: Floats | None = None
    """(members,)"""
    experience: Experience = field(default_factory=Experience)


@dataclass(frozen=True, slots=True)
class Selected:
    """What came of a micro-batch. Arrays of shape (events,)."""

    utilities: Floats
    """Before costs."""
    decisions: GateDecisions
    reasons: Mapping[int, tuple[str, ...]]
    """By row, the rules that had a say about the event."""


class QueryStrategy:
    """Decides micro-batches, each with all that came before in mind. It can be pickled."""

    def __init__(self, settings: StrategySettings) -> None:
        """Raises ``AcquisitionRefused``."""
        self._settings = settings
        self._acquisition = resolve(settings.strategy)
        self._constraints = Constraints(settings.constraints)
        self._gate = Gate(settings.window)
        self._opening = Opening()
        self._space = Space(settings.text)
        self._recent = Reservoir(seed=settings.seed)
        self._asked = Ring()
        self._cold_start = ColdStart(settings.seed) if settings.strategy == HYBRID else None
        uses_points = bool(self._acquisition.uses & _SPATIAL) or self._cold_start is not None
        self._spatial = uses_points or settings.constraints.duplicates > 0

    def decide(self, scored: Scored, rate: QueryRate) -> Selected:
        """Decides a micro-batch and remembers it. Raises ``AcquisitionRefused`` when the strategy needs a
        committee and the model has none."""
        unmet = scored.experience.labels == 0 and scored.probabilities.shape[1] < 2
        rate = self._opening.spread(rate, len(scored.ids), nothing_known=unmet)
        candidates = self._candidates(scored)
        utilities = self._utilities(candidates)
        if self._settings.strategy == HYBRID:
            rate = _exploring(rate, explored_share(scored.experience))
        ruling = self._constraints.rule(
            candidates, scored.table, scored.segments, scored.labels, utilities, rate.fraction
        )
        explore, tie = draws(scored.ids, self._settings.seed)
        held = holdout_draws(scored.ids, self._settings.seed) if rate.holdout_fraction > 0.0 else None
        comparable = self._constraints.per_cost(utilities, ruling)
        decisions = self._gate.decide(comparable, rate, explore, tie, ruling, held)
        asked = np.flatnonzero(decisions.lanes)
        self._constraints.note_asked(asked)
        if candidates.points is not None:
            self._asked.add(candidates.points[asked])
            self._recent.add(candidates.points, scored.probabilities)
        return Selected(utilities, decisions, {} if ruling is None else ruling.reasons)

    def _candidates(self, scored: Scored) -> Candidates:
        points = self._space.place(scored.table) if self._spatial else None
        dimensions = 0 if points is None else points.shape[1]
        return Candidates(
            scored.probabilities,
            scored.members,
            scored.weights,
            points,
            None if points is None else self._recent.recent(dimensions),
            None if points is None else self._asked.latest(dimensions),
            scored.experience,
        )

    def _utilities(self, candidates: Candidates) -> Floats:
        utilities = self._acquisition.function(candidates)
        return utilities if self._cold_start is None else self._cold_start.blended(candidates, utilities)


def _exploring(rate: QueryRate, share: float) -> QueryRate:
    """At least this share of the queries drawn at random, of those that are not held out."""
    held_out = min(rate.holdout_fraction / rate.fraction, 1.0) if rate.fraction > 0.0 else 0.0
    return replace(
        rate,
        explore_fraction=max(rate.explore_fraction, (1.0 - held_out) * share * rate.fraction),
        explore_room=max(rate.explore_room, (held_out + (1.0 - held_out) * share) * rate.room),
    )
