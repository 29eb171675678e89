"""What a demo comes to."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """The figures, under the names that ``streamsel demo --json`` prints."""

    events: int
    """Put into the stream."""
    decisions: int
    """Equal to ``events`` unless ``interrupted``."""
    queries: int
    """Decisions with a query."""
    queries_repeated: int
    """Query ids that stand in more than one decision: 0."""
    queries_expired: int
    """Queries nobody came to claim in time."""
    labels: int
    """In the label log."""
    query_fraction: float
    """Queries over decisions."""
    backlog_p95: float
    """95th percentile, over the run, of the queries waiting or in hand."""
    backlog_target: int
    age_p95_seconds: float
    """95th percentile of the time from decision to label."""
    accuracy: float
    """Of the predictions in the decisions, over all of them."""
    accuracy_random: float
    """The same of models that learned as many random labels; see ``comparison``."""
    balanced_accuracy: float
    balanced_accuracy_random: float
    average_precision: float
    average_precision_random: float
    events_per_second: float
    """Decided, from the first event to the last."""
    model_version: int
    digest: str
    interrupted: bool
    """Told to stop before the stream was through."""

    def as_json(self) -> dict[str, Any]:
        """Plain values; NaN, of what could not be measured, as null."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    def as_text(self) -> str:
        """A few lines for people."""
        rate, precision = self.events_per_second, self.average_precision
        rows = {
            "events": f"{self.decisions:,} of {self.events:,} decided, {rate:,.0f} a second",
            "asked about": f"{self.queries:,} ({self.query_fraction:.1%}), {self.labels:,} answered",
            "backlog": f"{self.backlog_p95:.0f} at its 95th percentile, {self.backlog_target} aimed at",
            "decision to label": f"{self.age_p95_seconds:.1f} s at its 95th percentile",
            "accuracy": f"{self.accuracy:.2%}; {self.accuracy_random:.2%} with as many random labels",
            "average precision": f"{precision:.3f}; {self.average_precision_random:.3f} with random labels",
            "model version": f"{self.model_version}, digest {self.digest}",
        }
        return "\n".join(f"{name:<18}{said}" for name, said in rows.items())


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
