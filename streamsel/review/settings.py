"""How long things last at the desk, and how much one reviewer bears."""

from __future__ import annotations

from dataclasses import dataclass

from streamsel.review import priority


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """All durations in seconds, measured by the store's clock."""

    lease_seconds: float
    """How long a claimed query is held without a sign of life."""
    expire_seconds: float
    """How long a query waits for a claim, each time it waits."""
    recording_seconds: float
    """How long a label may take into the label log; must exceed the log's own time limit for an append."""
    attempts: int
    """Lapsed leases after which a query is given up."""
    retain_seconds: float
    """How long a finished query is remembered: for replays, and so that a repeated offer adds nothing."""
    window_seconds: float
    """Over which completions and live reviewers are counted."""
    skips: int = 3
    """Reviewers who skip a query before it is escalated."""
    most_held: int = 1_000
    """Queries one reviewer may hold at once."""
    most_sensitive: int | None = None
    """Sensitive queries one reviewer is given in a row, until another kind or a rest comes between."""
    work_seconds: float | None = None
    """Uninterrupted work after which a break is enforced."""
    break_seconds: float = 300.0
    """How long that break is; whoever does nothing for so long has rested."""
    gold_share: float = 0.0
    """Share of a reviewer's claims that are questions whose answer is known."""

    @property
    def ageing_seconds(self) -> float:
        """The waiting time that makes up for a whole unit of utility (see ``priority``)."""
        return priority.ageing_seconds(self.expire_seconds)
