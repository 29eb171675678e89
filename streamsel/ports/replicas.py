"""What each selector says of its model, for the others to compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Replica:
    """A selector's model."""

    name: str
    """Of the process: another one after every start."""
    spec: str
    """The spec's hash. Only models of one spec can agree."""
    digests: Mapping[int, str]
    """By version; the highest is the present one."""

    @property
    def version(self) -> int:
        """The present one."""
        return max(self.digests)


class Replicas(Protocol):
    """Every method may raise ``DeskUnreachable``."""

    async def publish(self, replica: Replica) -> None:
        """In place of what this one said before; it is live for ``LIVE_SECONDS`` from now on."""

    async def live(self) -> Sequence[Replica]:
        """All of them, by name."""


LIVE_SECONDS = 20.0
"""How long a replica that says no more is taken for alive."""
