"""Who calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from streamsel.review.reviewers import Reviewer
from streamsel.review.roles import Role

if TYPE_CHECKING:
    # Commands make keys for callers, and bring no server for it.
    from starlette.requests import HTTPConnection


class Caller(NamedTuple):
    """A person or program; labels are recorded under this name, never under one from a body."""

    name: str
    role: Role
    tier: int = 1
    """Skill: the caller may claim from queues up to this tier."""
    queues: Sequence[str] | None = None
    """The only queues to claim from; ``None`` for all."""

    @property
    def reviewer(self) -> Reviewer:
        """As the desk knows them."""
        queues = None if self.queues is None else frozenset(self.queues)
        return Reviewer(self.name, self.tier, queues, "reviewer" if self.role == "producer" else self.role)


class Stranger(NamedTuple):
    """Whoever could not say who they are."""

    name: str = ""
    role: str = ""


def address_of(conn: HTTPConnection) -> str:
    """Where the call came from, as far as the server can tell."""
    return conn.client.host if conn.client is not None else ""
