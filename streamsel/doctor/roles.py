"""The processes of a deployment, each with rights of its own."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Literal

ProcessRole = Literal["selector", "desk"]
BOTH: AbstractSet[ProcessRole] = frozenset({"selector", "desk"})


def roles_of(word: Literal["selector", "desk", "both"]) -> AbstractSet[ProcessRole]:
    """What one word stands for."""
    return BOTH if word == "both" else frozenset({word})
