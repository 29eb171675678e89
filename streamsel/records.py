"""What travels between the parts: events, decisions, queries, labels, dead letters.

Every record is frozen and self-contained, and knows nothing of how it is encoded (``codec``) or carried
(``ports``). All times are seconds since the Unix epoch, as floats; all probabilities and utilities are
in [0, 1].
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

Value: TypeAlias = float | int | bool | str | None
"""A feature's value. ``None`` means missing, exactly as if the field were absent."""

Features: TypeAlias = Mapping[str, Value]
"""Feature name (a dotted path for nested fields) to value; names in sorted order."""

Lane: TypeAlias = Literal["none", "uncertain", "explore", "rule", "holdout"]
"""Why an event was asked about: not at all, for its utility, by the exploration draw, because a rule gave it
a rank, or by the holdout draw, for evaluation alone: no model ever learns from its label."""

LANES: tuple[Lane, ...] = get_args(Lane)
"""By their codes, which stand in arrays and in what is summed over events: new ones go to the end."""

DRAWN: frozenset[Lane] = frozenset({"explore", "holdout"})
"""Random samples of the stream: people alone answer these, and are not told what the model thinks."""

LabelSource: TypeAlias = Literal["reviewer", "consensus", "seed", "outcome", "model", "rule"]
"""Who answered: a reviewer at the desk, several whose opinions agree, or a labelled file put into the log
beforehand; or no person: what happened in the end, a stronger model, a rule."""

OpinionKind: TypeAlias = Literal["overlap", "late", "gold", "oracle"]
"""Why an answer is only an opinion: one of several asked for, too late to count, to a question whose answer
is known, or of an oracle that is no person and whose word is not the label."""


DirectiveAction: TypeAlias = Literal[
    "set_spec", "challenge", "withdraw", "promote", "roll_back", "freeze", "thaw"
]
"""Another model; another beside it in shadow, and away with that; that in the champion's place; the model of
an earlier version; and no more learning, until there is again."""

PromotionMetric: TypeAlias = Literal["accuracy", "log_loss"]
"""What champion and challenger are compared by."""


class Partition(NamedTuple):
    """One ordered piece of a topic."""

    topic: str
    partition: int


class Source(NamedTuple):
    """Where an event came from."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Query:
    """An event sent for a label, with everything a reviewer is shown and the label log needs.

    ``query_id`` is a hash of the event id, so that an event seen twice is one query.
    """

    query_id: str
    event_id: str
    lane: Lane
    propensity: float
    utility: float
    probabilities: Mapping[str, float]
    model_version: int
    decided_at: float
    features: Features
    context: Features = field(default_factory=dict)
    """Fields shown to the reviewer that are not features, by dotted path."""
    timestamp: float | None = None
    """When the event happened, if the stream says."""
    segments: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    """As in its decision."""
    contributions: Mapping[str, float] = field(default_factory=dict)
    """By feature, what moved the prediction most, in log odds of the predicted label; of linear models."""
    traceparent: str | None = None
    """The trace its event came with, if any, as W3C Trace Context writes it."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what a micro-batch was decided; kept with those of its decisions that are to ask.

    What the reviewers do is ``None`` where nothing follows from it.
    """

    configuration: str | None
    """Id of what was configured, as ``services.configurations`` records it."""
    candidates: int
    """Recent events, those of this micro-batch among them, whose utilities set the threshold."""
    affordable: float
    """Share of events that the budgets allowed; where ``query_fraction`` is less, the reviewers' capacity did
    not allow more."""
    backlog: int | None = None
    """Queries waiting or in a reviewer's hands."""
    oldest_seconds: float | None = None
    """Age of the oldest waiting one."""
    live_reviewers: int | None = None
    completions_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one event; written for every event.

    ``propensity`` is the exact probability, over the exploration draw, that this event was asked about
    given the state of the gate; ``model_version`` is the label-log offset behind the prediction.
    """

    event_id: str
    source: Source
    decided_at: float
    model_version: int
    probabilities: Mapping[str, float]
    """By label; empty while the model has seen no label at all."""
    utility: float
    threshold: float
    query_fraction: float
    lane: Lane
    propensity: float
    segments: Mapping[str, str] = field(default_factory=dict)
    query: Query | None = None
    """Present exactly when ``lane`` is not ``none``; from it a lost queue can be rebuilt."""
    rules: tuple[str, ...] = ()
    """Names of the rules that had a say, whether it was asked about or not: business rules by name, quotas as
    ``quota:name:group``, ``duplicate`` for a near-duplicate that was suppressed."""
    conditions: Conditions | None = None
    """Of decisions to ask alone."""
    traceparent: str | None = None
    """As a query's."""


@dataclass(frozen=True, slots=True)
class Label:
    """One answer in the label log. A newer ``revision`` of a ``label_id`` replaces the older ones.

    Carries the features, so that the model can be rebuilt from the log alone, and what was predicted when
    the event was decided, so that a delayed label is scored fairly.
    """

    label_id: str
    revision: int
    event_id: str
    label: str
    source: LabelSource
    labelled_by: str
    labelled_at: float
    features: Features
    query_id: str | None = None
    lane: Lane = "none"
    propensity: float = 0.0
    probabilities: Mapping[str, float] = field(default_factory=dict)
    model_version: int = 0
    decided_at: float | None = None
    segments: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    """From claim to answer; ``None`` where nobody claimed: seeds, consensus, corrections."""
    traceparent: str | None = None
    """Of the query it answers."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """One reviewer's answer in the label log which by itself changes no model.

    All of a query's overlap opinions together are resolved to one label, or settled by another reviewer.
    """

    query_id: str
    event_id: str
    label: str
    labelled_by: str
    labelled_at: float
    kind: OpinionKind
    slot: int = 1
    """Which of the answers that the query was to get, from 1 on."""
    slots: int = 1
    """How many it was to get."""
    seconds: float | None = None
    """As a label's."""
    expected: str | None = None
    """The known answer; of gold alone."""
    revision: int = 1
    """A newer one of a ``label_id`` replaces the older ones."""

    @property
    def label_id(self) -> str:
        """What newer revisions and a retraction name it by: one a slot; but of a gold question, which is
        asked of many, and of late answers and oracles', which fill no slot, one for each who answers."""
        match self.kind:
            case "overlap":
                return f"{self.query_id}~{self.slot}"
            case "gold":
                return f"{self.query_id}~{self.labelled_by}"
            case "late":
                return f"{self.query_id}~late:{self.labelled_by}"
            case "oracle":
                return f"{self.query_id}~oracle:{self.labelled_by}"


@dataclass(frozen=True, slots=True)
class Retraction:
    """Takes a label or an opinion back: from its revision on, all is as if that had never been given."""

    label_id: str
    revision: int
    reason: str
    retracted_by: str
    retracted_at: float


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that a directive names: a preset with what makes it reproducible. Labels and the field that
    holds text stay as the stream is configured; a factory, being code, can only be configured."""

    preset: str
    seed: int = 1
    copies: int = 0
    """As in the model's spec."""


@dataclass(frozen=True, slots=True)
class PromotionRule:
    """When a challenger takes the champion's place, declared before the first comparison."""

    metric: PromotionMetric = "log_loss"
    least_labels: int = 100
    """Compared explore labels before which nothing is decided."""
    margin: float = 0.0
    """By how much the challenger must be better a label: a share of right answers, or nats."""
    error_rate: float = 0.05
    """Most likely a challenger that is no better is promoted, however long and often it is looked at."""


@dataclass(frozen=True, slots=True)
class Directive:
    """What becomes of the model itself. In the label log, so that every replica obeys at one offset; one
    given twice counts once, by its id."""

    directive_id: str
    action: DirectiveAction
    issued_by: str
    """A person, or ``rule`` for a promotion by the rule declared with its challenge."""
    issued_at: float
    reason: str = ""
    model: ModelChoice | None = None
    """Of ``set_spec`` and ``challenge``."""
    rule: PromotionRule | None = None
    """Of ``challenge``."""
    challenge: str | None = None
    """Of ``promote`` and ``withdraw``: the id of the directive that was the challenge."""
    version: int | None = None
    """Of ``roll_back``: the model becomes what it was at this offset of the log."""
    evidence: Mapping[str, float] = field(default_factory=dict)
    """Of a promotion by rule: what decided it."""


LabelRecord: TypeAlias = Label | Opinion | Retraction
"""What is said of events: each has a label id and a revision."""

LogRecord: TypeAlias = LabelRecord | Directive
"""What the label log holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """What one process's events, labelled or not, were like since its last summary. Of several records of one
    ``summary_id`` one counts."""

    summary_id: str
    """Process and sequence number."""
    decided_from: float
    decided_to: float
    """When the first and the last of them were decided."""
    events: int
    labels: tuple[str, ...]
    cells: tuple[str, ...]
    """The whole is ``""``, one value of a segment ``field=value``, all values beyond the first few ``*``."""
    sums: NDArray[np.float64]
    """(cells, columns), as in ``learning.evaluation.sums``."""
    sampled: int = 0
    """Events whose features were looked at; 0 where there were too few to tell of."""
    numbers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By feature with many values, evenly spread quantiles of the sampled ones."""
    categories: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By feature with few values or with texts, how many of the sampled had each, by a hash of the value."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be processed, with its reason (a short fixed word) and a sentence of detail.

    ``payload`` is cut at the stream's ``max_bytes``.
    """

    reason: str
    detail: str
    source: Source
    payload: bytes
    failed_at: float


@dataclass(frozen=True, slots=True)
class Experience:
    """What the labels learned so far tell about where labels still pay. Part of the fold's state, so that
    every replica at one model version has the same.

    The faded means weigh a label by how recently it was learned. They compare what was predicted when an
    event was decided with the answer, in nats of log loss.
    """

    counts: tuple[int, ...] = ()
    """Labels learned, by class, in the spec's order; empty before the first."""
    explored_loss: float = float("nan")
    """Faded mean log loss of the predictions on labels of the explore lane; NaN before the first."""
    explored_prior_loss: float = float("nan")
    """The same of the class shares among the labels learned before each, as if no feature were known."""
    uncertain_loss: float = float("nan")
    """Faded mean log loss of the predictions on labels of the uncertain lane; NaN before the first."""
    uncertain_entropy: float = float("nan")
    """Faded mean entropy, in nats, of those predictions: the loss to be expected of an honest model."""

    @property
    def labels(self) -> int:
        """Labels learned."""
        return sum(self.counts)

    @property
    def beats_prior(self) -> bool:
        """Whether predictions on random events have lately been better than the class shares alone."""
        return self.explored_loss < self.explored_prior_loss


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """The features of a micro-batch, one row an event, as models and screens take them.

    ``matrix`` is the same table as float64 of shape (rows, names) when every value is a number; ``None``
    when there are categories or missing values among them.
    """

    names: tuple[str, ...]
    """Sorted, so that every replica sees one order."""
    rows: Sequence[tuple[Value, ...]]
    matrix: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, events: Sequence[Features]) -> FeatureTable:
        """Events as rows; what only others have is missing in a row."""
        names = tuple(sorted(set().union(*events)))
        rows = [tuple(map(event.get, names)) for event in events]
        values: list[Any] = list(chain.from_iterable(rows))
        try:
            matrix = np.array(array("d", values)).reshape(len(rows), len(names))
        except TypeError:
            return cls(names, rows)
        return cls(names, rows, matrix)

    def some(self, indices: Sequence[int]) -> FeatureTable:
        """The rows of these indices, in their order."""
        matrix = None if self.matrix is None else self.matrix[indices]
        return FeatureTable(self.names, [self.rows[index] for index in indices], matrix)

    def row(self, index: int) -> dict[str, Value]:
        """The features of one event, missing ones left out."""
        return {
            name: value for name, value in zip(self.names, self.rows[index], strict=True) if value is not None
        }
