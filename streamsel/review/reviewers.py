"""Who reviews, and which queues are theirs."""

from __future__ import annotations

from dataclasses import dataclass

from streamsel.review.roles import Role


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person or program that answers queries."""

    name: str
    tier: int = 1
    """Skill: the highest tier of a queue they may claim from."""
    queues: frozenset[str] | None = None
    """The queues they work on; ``None``: all that their tier allows."""
    role: Role = "reviewer"
