"""What the desk was like over the last day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sample:
    """The desk at one moment."""

    at: float
    """Seconds since the epoch."""
    backlog: int
    oldest_seconds: float
    live_reviewers: int
    completions_per_second: float


class History(Protocol):
    """Samples at fixed times, one each, however many desks take them; the last day's are kept.

    Every method may raise ``DeskUnreachable``.
    """

    async def note(self, sample: Sample) -> None:
        """Keeps it, unless there is one for its time already."""

    async def since(self, at: float) -> Sequence[Sample]:
        """Those kept from then on, in order."""
