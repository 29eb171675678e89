"""What a run is told, and what it leaves behind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.budget import DAY, HOUR
from streamsel.selection.constraints import ConstraintSettings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Burst:
    """From ``start`` to ``stop``, in seconds since the first event, events come ``factor`` times as fast."""

    start: float
    stop: float
    factor: float


@dataclass(frozen=True, slots=True)
class Absence:
    """From ``start`` to ``stop``, in seconds since the first event, reviewers are away."""

    start: float
    stop: float
    reviewers: int | None = None
    """How many; ``None`` for all."""


@dataclass(frozen=True, slots=True)
class ReviewerPlan:
    """Who answers, and how fast the events come; times in seconds."""

    reviewers: int
    review_seconds: float
    """Mean time a review takes."""
    target_backlog: int
    expire_seconds: float
    """A query that nobody has claimed for so long is given up."""
    bursts: tuple[Burst, ...] = ()
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be asked by the clock (see ``selection.budget``); ``None`` is no limit."""

    labels_per_hour: float | None = None
    money_per_day: float | None = None
    money_per_query: float = 1.0
    """What an ordinary query costs."""

    def most(self, seconds: float) -> float:
        """Ordinary queries in so long a time."""
        hours, days = seconds / HOUR, seconds / DAY
        labels = math.inf if self.labels_per_hour is None else self.labels_per_hour * hours
        money = math.inf if self.money_per_day is None else self.money_per_day * days
        return min(labels, money / self.money_per_query)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    strategy: str
    preset: str
    budget: float
    """Largest share of events asked about, in (0, 1]."""
    explore: float
    """Share of the queries drawn at random, in [0, 1]."""
    window: int
    """Recent events whose utilities set the threshold."""
    seed: int
    """Of the model and of the random draws."""
    delay: int = 0
    """Events decided between asking and learning, beside what reviewers take."""
    seed_labels: int = 0
    """The first events, whose labels are known beforehand and learned as they come, at no one's cost."""
    allowance: Allowance | None = None
    """Beside the budget: the smaller counts."""
    events_per_second: float = 20.0
    """How fast events come when the stream has no times."""
    reviewers: ReviewerPlan | None = None
    """Without a plan, whatever is asked is answered."""
    constraints: ConstraintSettings = field(default_factory=ConstraintSettings)
    """On what is asked about."""
    factory: str | None = None
    """Of a model of one's own, in place of the preset; see ``learning.presets.build``."""
    copies: int = 0
    """Of the model, as a committee; see ``learning.spec``."""
    screen: float = 1.0
    """Share of each micro-batch that slow members score, in (0, 1]; see ``learning.screening``."""
    holdout: float = 0.0
    """Share of events asked about whose labels are never learned, at most ``budget``."""


@dataclass(frozen=True, slots=True)
class ReviewCourse:
    """How simulated reviewers fared; times in seconds since the first event."""

    backlog_at: Floats
    """(changes,), not falling: when the backlog changed; it starts at 0."""
    backlog: Integers
    """(changes,): queries waiting or in a reviewer's hands from then on."""
    answered_at: Floats
    """(answers,), not falling."""
    ages: Floats
    """(answers,): from asking to answer."""
    expired: int
    """Queries nobody came to claim in time."""
    ended_at: float
    """When the last event was decided."""
    review_seconds: float
    """Time spent on reviews up to then, by all reviewers."""
    present_seconds: float
    """Time they were there, or still finishing a review."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a run leaves behind. Arrays of shape (events,) unless they say otherwise."""

    labels: tuple[str, ...]
    truth: Integers
    """Class index."""
    probabilities: Floats
    """(events, classes), as predicted when the event was decided; rows of NaN when nothing was known."""
    lanes: NDArray[np.int8]
    """Codes, as in ``records.LANES``."""
    propensities: Floats
    learned_at: Integers
    """Index of the event before which the label was learned (the number of events when after the last);
    -1 for labels never learned."""
    segments: Sequence[Mapping[str, str]] | None
    seconds: float
    """The run took so long."""
    digest: str
    """Of the model at the end."""
    model_version: int
    course: ReviewCourse | None = None
    """Of simulated reviewers, if there were any."""
