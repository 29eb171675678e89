"""What a caller may do: reviewer < lead < admin, and beside them the producers, which are programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["reviewer", "lead", "admin", "producer"]
"""A reviewer answers; a lead also corrects, pauses and reassigns; a producer sends events; an admin does all
of it."""

_INCLUDED: Mapping[Role, frozenset[Role]] = {
    "reviewer": frozenset({"reviewer"}),
    "producer": frozenset({"producer"}),
    "lead": frozenset({"lead", "reviewer"}),
    "admin": frozenset({"admin", "lead", "reviewer", "producer"}),
}


def includes(role: Role, needed: Role) -> bool:
    """Whether whoever has ``role`` may do what ``needed`` may."""
    return needed in _INCLUDED[role]


def highest(roles: Iterable[Role]) -> Role | None:
    """The one that may do most; ``None`` if there is none."""
    return max(roles, key=lambda role: len(_INCLUDED[role]), default=None)
