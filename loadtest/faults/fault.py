"""What a fault is, and what came of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from loadtest.faults.rig import Rig
from loadtest.outside.counts import Counts

Seen = Mapping[str, float]
"""What was done and met while it lasted, by name."""

Fault = Callable[[Rig, float], Awaitable[Seen]]
"""Does it to a rig at work, for so many seconds; returns when it is over."""


class NotPermitted(Exception):
    """This machine does not let the fault be done. The message says what is missing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one fault."""

    counts: Counts
    seen: Seen
    recovery_seconds: float
    """From its end until every partition is decided and an answer is confirmed again."""
