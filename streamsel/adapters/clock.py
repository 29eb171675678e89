"""The time, from the operating system."""

from __future__ import annotations

import time


class SystemClock:
    """See ``Clock``."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()
