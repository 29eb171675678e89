"""What the desk answers, typed. Fields that a newer desk adds are left out: old programs go on working.

All times are seconds since 1970 by the desk's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, TypeAlias

from streamsel.client.problems import Problem

Value: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Record:
    """Base of all that is answered."""

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """From the JSON object of this name in the API's description."""
        return cls(**{field.name: found[field.name] for field in fields(cls) if field.name in found})


@dataclass(frozen=True, slots=True)
class Query(Record):
    """The event asked about. What the model thinks, when it was asked about and the trace it came with (W3C
    Trace Context) are ``None`` where they must not sway the answer."""

    event_id: str
    lane: str
    timestamp: float | None
    decided_at: float | None
    features: Mapping[str, Value]
    context: Mapping[str, Value]
    segments: Mapping[str, str]
    probabilities: Mapping[str, float] | None
    utility: float | None
    propensity: float | None
    contributions: Mapping[str, float] | None
    rules: Sequence[str] | None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Claim(Record):
    """A query in the caller's hands until ``lease_expires_at``, under its ``fence``."""

    query_id: str
    fence: int
    queue: str
    attempt: int
    lease_seconds: float
    lease_expires_at: float
    due_at: float | None
    sensitive: bool
    query: Query

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """With its query."""
        return super(Claim, cls).of({**found, "query": Query.of(found["query"])})


@dataclass(frozen=True, slots=True)
class Answer(Record):
    """An answer, at ``offset`` in the label log. ``model_version`` is the first that has learned it; ``None``
    for one of several opinions."""

    query_id: str
    label: str
    labelled_by: str
    offset: int
    model_version: int | None
    revision: int


@dataclass(frozen=True, slots=True)
class Outcome(Record):
    """What came of one of many answers: ``status`` 201 is new, 200 recorded before; others have a
    ``problem``."""

    query_id: str
    status: int
    answer: Answer | None
    problem: Problem | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """With its answer or its problem."""
        answer, problem = found["answer"], found["problem"]
        return cls(
            found["query_id"],
            found["status"],
            None if answer is None else Answer.of(answer),
            None if problem is None else Problem.of_one(problem),
        )


@dataclass(frozen=True, slots=True)
class PastAnswer(Record):
    """One of the caller's last answers, which can be corrected or undone while ``revision`` is the newest."""

    query_id: str
    event_id: str
    label: str
    answered_at: float
    revision: int


@dataclass(frozen=True, slots=True)
class QueueFigures(Record):
    """The desk at a glance; ``waiting`` and ``leased`` by lane."""

    waiting: Mapping[str, int]
    leased: Mapping[str, int]
    backlog: int
    target_backlog: int
    oldest_seconds: float
    live_reviewers: int
    completions_per_second: float
    mean_review_seconds: float | None
    expired_total: int
    dead_total: int
    disputed: int
    queues: Mapping[str, Mapping[str, float]]
    """By name: ``waiting``, ``oldest_seconds``, ``overdue``."""


@dataclass(frozen=True, slots=True)
class LabelChoice(Record):
    """One of the labels to choose from, and what it means."""

    name: str
    guideline: str
    examples: Sequence[str]


@dataclass(frozen=True, slots=True)
class LabelChoices(Record):
    """All labels, in the order of the page's buttons, and the guideline in force."""

    labels: Sequence[LabelChoice]
    guideline_url: str | None
    guideline_version: str | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """With each label."""
        labels = [LabelChoice.of(one) for one in found["labels"]]
        return super(LabelChoices, cls).of({**found, "labels": labels})


@dataclass(frozen=True, slots=True)
class Caller(Record):
    """Who the key says one is: labels are recorded under ``name``. ``queues`` is ``None`` for all."""

    name: str
    role: str
    tier: int
    queues: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Model(Record):
    """The model that scores events now. ``version`` is its offset in the label log, ``digest`` equal on all
    replicas at one version; ``challengers`` by id, each with labels, mean gain and evidence."""

    preset: str
    version: int
    digest: str
    labels_learned: int
    fold_lag: int
    spec: Mapping[str, Any]
    epoch: int
    challengers: Mapping[str, Mapping[str, float]]
