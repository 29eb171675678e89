"""How long things last at the desk."""

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

    @property
    def ageing_seconds(self) -> float:
        """The waiting time that makes up for a whole unit of utility (see ``priority``)."""
        return priority.ageing_seconds(self.expire_seconds)
