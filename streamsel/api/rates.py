"""How often one caller may call: a token bucket for each, kept in this process.

Each process counts for itself, so a desk of n processes takes up to n times the rate of one. That costs no
call to the store, and what is protected is the process.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_CALLERS = 10_000


class Rates:
    """Up to ``burst`` calls at once, and ``per_second`` lastingly, for every name.

    As the generic cell rate algorithm (ITU-T I.371), which keeps one number a name: the time at which its
    bucket is full again. The names heard of least recently are forgotten beyond ``most``.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        most: int = _MOST_CALLERS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spacing = 1.0 / per_second
        self._burst_seconds = (burst - 1) * self._spacing
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._monotonic = monotonic

    def take(self, name: str) -> float:
        """0 for a call within the rate; otherwise nothing is taken, and the seconds until there is one."""
        now = self._monotonic()
        full_at = max(self._full_at.get(name, now), now)
        wait = full_at - now - self._burst_seconds
        if wait > 0.0:
            return wait
        self._full_at[name] = full_at + self._spacing
        self._full_at.move_to_end(name)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return 0.0
