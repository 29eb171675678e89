"""Everything on record about one query, in one frozen record.

It holds nothing of the event's fields but its id: what a reviewer saw is the query's, under the query's own
protection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from streamsel.records import Lane
from streamsel.review.quality import ReviewerQuality

Limit: TypeAlias = Literal["budget", "capacity"]
"""What kept the query fraction from being larger."""


@dataclass(frozen=True, slots=True)
class RuleFired:
    """A rule, quota or the suppression of near-duplicates that had a say."""

    name: str
    """As the decision has it."""
    configured: Mapping[str, Any] | None
    """What it says; ``None`` for near-duplicates, or where the configuration is not known."""


@dataclass(frozen=True, slots=True)
class BudgetThen:
    """What might be asked. Shares of events."""

    query_fraction: float
    affordable: float
    """What the budgets allowed."""
    limited_by: Limit


@dataclass(frozen=True, slots=True)
class CapacityThen:
    """What the reviewers were doing."""

    backlog: int
    oldest_seconds: float
    live_reviewers: int
    completions_per_second: float


@dataclass(frozen=True, slots=True)
class Guideline:
    """By what reviewers were to answer."""

    version: str | None
    url: str | None
    labels: Mapping[str, str]
    """What each label means."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """How fields were treated at admission, and who is shown them. Dotted paths."""

    redacted: tuple[str, ...]
    hashed: tuple[str, ...]
    lead_only: tuple[str, ...]
    excluded: tuple[str, ...]
    """Shown to reviewers, and not learned from."""


@dataclass(frozen=True, slots=True)
class AnswerGiven:
    """One record of the label log on this query."""

    offset: int
    kind: str
    """``label``, ``retraction``, or an opinion's kind."""
    source: str
    """A label's; of opinions ``reviewer`` or ``oracle``."""
    label: str | None
    """``None`` of a retraction."""
    by: str
    role: str | None
    """In which they acted; ``None`` where no audit entry was found, or nobody acted."""
    at: float
    seconds: float | None
    """From claim to answer."""
    revision: int
    stands: bool
    """Not replaced and not taken back."""
    configuration: str | None
    """Id of what was configured where it was given, the guideline with it."""
    guideline_version: str | None


@dataclass(frozen=True, slots=True)
class QualityChecks:
    """How sure the label is."""

    resolution: str
    """How it came about, in a sentence."""
    opinions: int
    """That stand, of those asked for."""
    agreeing: int
    """Of these, with the label that stands; 0 while there is none."""
    reviewers: tuple[ReviewerQuality, ...]
    """Figures, now, of those who answered."""


@dataclass(frozen=True, slots=True)
class Use:
    """What the query was used for."""

    training: bool
    evaluation: bool
    reasons: tuple[str, ...]
    """A sentence for each of the two."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it. Whatever is ``None`` has its reason in ``unknown``, by the field's name."""

    query_id: str
    event_id: str | None
    source: str | None
    """``topic:partition:offset`` of the event."""
    traceparent: str | None
    """That the event came with."""
    decided_at: float | None
    lane: Lane | None
    propensity: float | None
    utility: float | None
    threshold: float | None
    probabilities: Mapping[str, float] | None
    model_version: int | None
    model: Mapping[str, Any] | None
    """As configured, or as a directive in the label log had it."""
    acquisition_function: str | None
    window: int | None
    """Recent events that set the threshold, as configured."""
    candidates: int | None
    """Those that did."""
    rules: tuple[RuleFired, ...] | None
    budget: BudgetThen | None
    capacity: CapacityThen | None
    privacy: Privacy | None
    configuration: str | None
    """Id of what was configured where it was decided."""
    guideline: Guideline | None
    """In force where the label that stands was given."""
    answers: tuple[AnswerGiven, ...]
    """In the order of the label log."""
    quality: QualityChecks
    used_for: Use
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Reasons; also why more than is told may be there."""

    def as_json(self) -> dict[str, Any]:
        """One object of JSON's types."""
        content = asdict(self)
        for one in content["quality"]["reviewers"]:
            one["gold_interval"] = list(one["gold_interval"])
        return content
